"""WideResNet-28-10 (Zagoruyko and Komodakis 2016), the encoder of A's Table 3.

A inverts the output of the third residual group. Its last block leaves an unnormalised sum, so the batch norm
and ReLU that end the network are counted to that group: "block3" is what the classifier sees before it pools.
A's code for this network is not public, so whether it read the features before or after them is not known.
"""

from collections.abc import Sequence

from torch import nn

from arae_core.networks.encoder import Encoder, scaled
from arae_core.networks.residual import PreActivationBlock, residual_group


class WideResNet28_10(Encoder):
    """WRN-28-10 with layers "stem", "block1" to "block3" (the residual groups of four blocks) and "logits".

    Features at 32 pixels and width 1: 16x32x32, 160x32x32, 320x16x16, 640x8x8; 36,479,194 parameters with 10
    classes. "stem", "block1" and "block2" are sums of either sign, "block3" comes after the last ReLU.

    Args:
        image_size: any multiple of 4; the logits follow a global average pool.
        num_classes: length of the logits.
        width: factor on all channels, on top of the ten in the name (0.1 gives a WRN-28-1 with a thin stem).
        mean, std: see `Encoder`.

    Raises:
        ValueError: an image size that cannot be halved twice, or a width that is not positive.
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
        if image_size < 4 or image_size % 4:
            raise ValueError(f"WideResNet28_10 halves its images twice: {image_size} is no multiple of 4")
        channels = [scaled(c, width) for c in (16, 160, 320, 640)]
        stages: list[tuple[str, nn.Module]] = [("stem", nn.Conv2d(3, channels[0], 3, 1, 1, bias=False))]
        for n, stride in enumerate((1, 2, 2), start=1):
            group = residual_group(PreActivationBlock, channels[n - 1], channels[n], blocks=4, stride=stride)
            last = [nn.BatchNorm2d(channels[n]), nn.ReLU()] if n == 3 else []
            stages.append((f"block{n}", nn.Sequential(*group, *last)))
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[3], num_classes))
        stages.append(("logits", head))
        super().__init__(stages, image_size=image_size, num_classes=num_classes, mean=mean, std=std)
        self.arguments = dict(image_size=image_size, num_classes=num_classes, width=width, mean=mean, std=std)
