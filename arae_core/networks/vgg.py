"""VGG-16 with batch norm at 64 pixels, the encoder of A's Table 2 (trained on ImageNet-143).

Thirteen 3x3 convolutions in five blocks, each block ending in a max-pool (Simonyan and Zisserman 2014). As in
the public code of the robust model that A took over (Adv-BNN), the two hidden linear layers are left out: a
global average pool and one linear layer classify.
"""

from collections.abc import Sequence

from torch import nn

from arae_core.networks.blocks import with_norm
from arae_core.networks.encoder import Encoder, scaled

PLAN = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(Encoder):
    """VGG-16 with batch norm and layers "block1" to "block5" (each with its pool) and "logits".

    Features at 64 pixels and width 1: 64x32x32, 128x16x16, 256x8x8, 512x4x4, 512x2x2; 14,796,495 parameters
    with 143 classes.

    Args:
        image_size: any multiple of 32.
        num_classes: length of the logits.
        width: factor on all channels.
        mean, std: see `Encoder`.

    Raises:
        ValueError: an image size that cannot be halved five times, or a width that is not positive.
    """

    def __init__(
        self,
        image_size: int = 64,
        num_classes: int = 143,
        width: float = 1.0,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ):
        if image_size < 32 or image_size % 32:
            raise ValueError(f"VGG16 halves its images five times: {image_size} is no multiple of 32")
        stages: list[tuple[str, nn.Module]] = []
        before = 3
        for n, plan in enumerate(PLAN, start=1):
            block: list[nn.Module] = []
            for channels in (scaled(c, width) for c in plan):
                block += with_norm(nn.Conv2d(before, channels, 3, 1, 1))
                before = channels
            stages.append((f"block{n}", nn.Sequential(*block, nn.MaxPool2d(2))))
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))
        stages.append(("logits", head))
        super().__init__(stages, image_size=image_size, num_classes=num_classes, mean=mean, std=std)
        self.arguments = dict(image_size=image_size, num_classes=num_classes, width=width, mean=mean, std=std)
