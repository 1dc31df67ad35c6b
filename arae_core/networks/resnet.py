"""ResNet-18 in its form for CIFAR-10, the encoder of A's Table A3 (quality against the attack's radius).

A 3x3 stem without max-pool in front of the four residual groups of He et al. (2015), two blocks each.
"""

from collections.abc import Sequence

from torch import nn

from arae_core.networks.blocks import conv_unit
from arae_core.networks.encoder import Encoder, scaled
from arae_core.networks.residual import BasicBlock, residual_group


class ResNet18(Encoder):
    """ResNet-18 with layers "stem", "block1" to "block4" (the residual groups) and "logits".

    Features at 32 pixels and width 1: 64x32x32, 64x32x32, 128x16x16, 256x8x8, 512x4x4; 11,173,962 parameters
    with 10 classes.

    Args:
        image_size: any multiple of 8; the logits follow a global average pool.
        num_classes: length of the logits.
        width: factor on all channels.
        mean, std: see `Encoder`.

    Raises:
        ValueError: an image size that cannot be halved three times, or a width that is not positive.
    """

    def __init__(
        self,
        image_size: int = 32,
        num_classes: int = 10,
        width: float = 1.0,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ):
        if image_size < 8 or image_size % 8:
            raise ValueError(f"ResNet18 halves its images three times: {image_size} is no multiple of 8")
        channels = [scaled(c, width) for c in (64, 64, 128, 256, 512)]
        stages: list[tuple[str, nn.Module]] = [("stem", nn.Sequential(*conv_unit(3, channels[0])))]
        for n, stride in enumerate((1, 2, 2, 2), start=1):
            group = residual_group(BasicBlock, channels[n - 1], channels[n], blocks=2, stride=stride)
            stages.append((f"block{n}", nn.Sequential(*group)))
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[4], num_classes))
        stages.append(("logits", head))
        super().__init__(stages, image_size=image_size, num_classes=num_classes, mean=mean, std=std)
        self.arguments = dict(image_size=image_size, num_classes=num_classes, width=width, mean=mean, std=std)
