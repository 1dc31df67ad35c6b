"""DeePSiM's discriminator (Dosovitskiy and Brox 2016, Table 1 and the two changes named below it).

Five convolutions without padding, global average pooling, two fully connected layers; dropout of 50 % after
the pooling and after the first of these. For the inversion of AlexNet the features enter too, through two fully
connected layers of their own, and join the pooled image. Leaky ReLU with slope 0.3 as in all of C's networks, no
normalisation. Paper A's critic (`FeatureDiscriminator`) is this one with spectral norm and plain ReLU.

C ends in a softmax over two classes; that is a function of the difference of its two logits alone, so this
returns one logit. Strides are C's: 4 in the first layer for large images, 2 for 64 pixels (Table 1). For 32
pixels, where C has nothing, it is 1, and Table 1 fits again.
"""

from math import prod

import torch
from torch import Tensor, nn

from arae_core.networks.encoder import scaled
from arae_core.systems.deepsim.generator import SLOPE

FIRST_STRIDE = {224: 4, 64: 2, 32: 1}


class DeepSimDiscriminator(nn.Module):
    """d(x, z): logits of "x is real" given features z.

    Args:
        feature_shape: of one image's features, (C, h, w) or (C,).
        image_size: 224, 64 or 32.
        width: factor on all channels and hidden units; 1 is C's.

    Raises:
        ValueError: another image size.
    """

    def __init__(
        self, feature_shape: tuple[int, ...] = (256, 6, 6), image_size: int = 224, width: float = 1.0
    ):
        super().__init__()
        if image_size not in FIRST_STRIDE:
            raise ValueError(f"a discriminator is for images of 32, 64 or 224 pixels, not {image_size!r}")
        self.feature_shape = tuple(feature_shape)
        self.arguments = {"feature_shape": list(feature_shape), "image_size": image_size, "width": width}
        units: list[nn.Module] = []
        channels = 3
        plan = ((32, 7, FIRST_STRIDE[image_size]), (64, 5, 1), (128, 3, 2), (256, 3, 1), (256, 3, 2))
        for out, kernel, stride in plan:
            units += [nn.Conv2d(channels, scaled(out, width), kernel, stride), nn.LeakyReLU(SLOPE)]
            channels = scaled(out, width)
        self.image = nn.Sequential(*units, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout())
        hidden, code = scaled(1024, width), scaled(512, width)
        first, second = nn.Linear(prod(self.feature_shape), hidden), nn.Linear(hidden, code)
        self.condition = nn.Sequential(nn.Flatten(), first, nn.LeakyReLU(SLOPE), second, nn.LeakyReLU(SLOPE))
        joined = nn.Linear(channels + code, code)
        self.judge = nn.Sequential(joined, nn.LeakyReLU(SLOPE), nn.Dropout(), nn.Linear(code, 1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Logits (B, 1) for images x (B, 3, H, W), real or a generator's, and the *real* images' features z
        `(B, *feature_shape)`. Raises ValueError for features of another shape."""
        if z.shape != (len(x), *self.feature_shape):
            wanted = (len(x), *self.feature_shape)
            raise ValueError(f"this discriminator takes features of shape {wanted}, not {tuple(z.shape)}")
        return self.judge(torch.cat([self.image(x), self.condition(z)], dim=1))
