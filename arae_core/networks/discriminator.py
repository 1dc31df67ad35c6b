"""The discriminator d of paper A: is this image real, given the features that it should have?

It is DeePSiM's (Dosovitskiy and Brox 2016): one branch looks at the image, one at the comparator's features
of the *real* image, and a small network judges the two together. Equations 5 to 7 of A. ReLU, no batch norm,
spectral norm on every convolution and linear layer. (A's text has a leaky ReLU; its released model has not.)

Two departures. A ends in a sigmoid and takes the binary cross-entropy of it; this discriminator returns logits, and
the losses take binary cross-entropy with logits, which is the same number without overflow. And A has no form
for 32 and 64 pixels: ours keeps the plan, with a first stride of 2 instead of 4 and narrower hidden layers.
"""

from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations


class FeatureDiscriminator(nn.Module):
    """d(x, z): logits of "x is real" given features z. Its defaults are A's: 11,372,353 parameters.

    Args:
        feature_shape: of one image's features, (C, h, w) or (C,): `encoder.feature_shape(layer)`.
        image_size: 224 (A's plan), 64 or 32.
        spectral_norm: on every convolution and linear layer.

    Raises:
        ValueError: another image size.
    """

    def __init__(
        self,
        feature_shape: tuple[int, ...] = (256, 6, 6),
        image_size: int = 224,
        *,
        spectral_norm: bool = True,
    ):
        super().__init__()
        self.feature_shape = tuple(feature_shape)
        self.arguments = dict(
            feature_shape=list(feature_shape), image_size=image_size, spectral_norm=spectral_norm
        )
        if image_size == 224:
            seen, (hidden, code) = _look_224(), (1024, 512)
        elif image_size in (32, 64):
            seen, (hidden, code) = _look_small(), (256, 128)
        else:
            raise ValueError(f"a discriminator is for images of 32, 64 or 224 pixels, not {image_size!r}")
        channels = next(module.out_channels for module in reversed(seen) if isinstance(module, nn.Conv2d))
        self.image = nn.Sequential(*seen, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        first, second = nn.Linear(prod(self.feature_shape), hidden), nn.Linear(hidden, code)
        self.condition = nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU())
        joined = nn.Linear(channels + code, code)
        self.judge = nn.Sequential(nn.Dropout(), joined, nn.ReLU(), nn.Dropout(), nn.Linear(code, 1))
        for module in self.image.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)  # as A; its linear layers keep PyTorch's own
        if spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d | nn.Linear):
                    parametrizations.spectral_norm(module)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Logits (B, 1); sigmoid of them is the probability that x is real.

        Args:
            x: (B, 3, H, W) images in [0, 1]; real ones, or a generator's.
            z: `(B, *feature_shape)`, the comparator's features of the real images.

        Raises:
            ValueError: z is not of the shape that the discriminator was made for, or of another batch than x.
        """
        if z.shape != (len(x), *self.feature_shape):
            wanted = (len(x), *self.feature_shape)
            raise ValueError(f"this discriminator takes features of shape {wanted}, not {tuple(z.shape)}")
        return self.judge(torch.cat([self.image(x), self.condition(z)], dim=1))


def _look_224() -> list[nn.Module]:
    """A's convolutions, sides 55, 51, 25, 23, 11."""
    return [
        *(nn.Conv2d(3, 32, 7, stride=4, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 64, 5), nn.ReLU()),
        *(nn.Conv2d(64, 128, 3, stride=2), nn.ReLU()),
        *(nn.Conv2d(128, 256, 3), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, stride=2), nn.ReLU()),
    ]


def _look_small() -> list[nn.Module]:
    """The same five with half the channels from the third on; sides 16, 16, 8, 8, 4 at 32 pixels."""
    return [
        *(nn.Conv2d(3, 32, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(64, 128, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(128, 128, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(128, 128, 3, stride=2, padding=1), nn.ReLU()),
    ]
