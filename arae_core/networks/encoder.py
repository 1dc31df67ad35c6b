"""The encoder f: an image classifier whose every layer can be had by name, with the normalisation inside.

The book inverts the features of f, so a layer's name must mean the same thing wherever it is used: in the
attack, in the losses and in the generator that mirrors it. An encoder is therefore a plain chain of named
stages, and `features(x, layer)` is the chain run up to and including that stage. Images come in [0, 1]; the
mean and standard deviation are taken care of in here, so that a radius eps is always one of [0, 1] pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from arae_core.data.images import check_floats
from arae_core.networks.frozen import frozen

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Encoder(nn.Module):
    """A classifier as a chain of named stages.

    Args:
        stages: (name, module) in the order in which they run; the last one returns the logits.
        image_size: side of the square images in pixels that it was laid out for.
        num_classes: length of the logits.
        mean, std: per channel, of images in [0, 1]. By default CIFAR-10's up to 32 pixels, else ImageNet's.
            They are no part of the state dict: they belong to the architecture, not to what was learned.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: Sequence[tuple[str, nn.Module]],
        *,
        image_size: int,
        num_classes: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ):
        super().__init__()
        mean = mean or (CIFAR10_MEAN if image_size <= 32 else IMAGENET_MEAN)
        std = std or (CIFAR10_STD if image_size <= 32 else IMAGENET_STD)
        self.image_size = image_size
        self.num_classes = num_classes
        self.stages = nn.ModuleDict(dict(stages))
        self.register_buffer("mean", torch.tensor(mean).float().view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).float().view(1, 3, 1, 1), persistent=False)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the stages, from the image to the logits."""
        return tuple(self.stages)

    def require_layer(self, layer: str) -> str:
        """Return `layer`, or raise a ValueError that lists the layers there are."""
        if layer not in self.layers:
            there = ", ".join(self.layers)
            raise ValueError(f"{type(self).__name__} has no layer {layer!r}; its layers are {there}")
        return layer

    def up_to(self, layer: str) -> list[nn.Module]:
        """The stages from the image to a layer, in order. Raises ValueError as `require_layer`."""
        return list(self.stages.values())[: self.layers.index(self.require_layer(layer)) + 1]

    def features(self, x: Tensor, layer: str) -> Tensor:
        """z = f(x) at one layer.

        Args:
            x: (B, 3, H, W) images in [0, 1]. Other sizes than `image_size` pass as far as the strides allow.
            layer: a name out of `layers`.

        Returns:
            (B, C, h, w), or (B, C) after a fully connected layer. See `feature_shape`.

        Raises:
            ValueError: unknown layer, or x is not (B, 3, H, W). TypeError: x is not a floating-point tensor.
        """
        stages = self.up_to(layer)
        check_floats(x, "an encoder's images", channels=3)
        z = (x - self.mean) / self.std
        for stage in stages:
            z = stage(z)
        return z

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, num_classes) of images x (B, 3, H, W) in [0, 1]."""
        return self.features(x, self.layers[-1])

    def feature_shape(self, layer: str) -> tuple[int, ...]:
        """Shape of one image's features, without the batch: (C, h, w), or (C,) after a linear layer."""
        with frozen(self), torch.no_grad():
            return tuple(self.features(self.blank_image(), layer).shape[1:])

    def blank_image(self) -> Tensor:
        """(1, 3, image_size, image_size) zeros of the encoder's precision and device, to trace sizes with."""
        return self.mean.new_zeros(1, 3, self.image_size, self.image_size)


def scaled(channels: int, width: float) -> int:
    """Number of channels under a width factor: rounded, at least one.

    Raises:
        ValueError: the width is not a positive number.
    """
    if not 0 < width < float("inf"):
        raise ValueError(f"width is a positive factor on the number of channels, not {width!r}")
    return max(1, round(channels * width))
