"""AlexNet, the encoder of most of paper A (ARAE), and its forms for small images.

At 224 pixels it follows torchvision's layer plan (64-192-384-256-256 channels, max-pool 3/2, no batch norm),
so torchvision's weights load as they are. As in A, a layer's name takes in what follows its convolution:
"conv1", "conv2" and "conv5" mean convolution, ReLU *and pool*; "conv3" and "conv4" convolution and ReLU.

At 32 and 64 pixels, where that plan leaves nothing to look at, kernels and strides shrink; these forms are ours.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn

from arae_core.networks.encoder import Encoder, scaled
from arae_core.networks.image_convolution import ImageConvolution

# torchvision's name of each layer with weights -> ours
TORCHVISION_NAMES = {
    "features.0.": "stages.conv1.0.",
    "features.3.": "stages.conv2.0.",
    "features.6.": "stages.conv3.0.",
    "features.8.": "stages.conv4.0.",
    "features.10.": "stages.conv5.0.",
    "classifier.1.": "stages.fc6.3.",
    "classifier.4.": "stages.fc7.1.",
    "classifier.6.": "stages.logits.",
}


class AlexNet(Encoder):
    """AlexNet with layers "conv1" to "conv5", "fc6", "fc7" and "logits".

    Features at width 1: 64x27x27, 192x13x13, 384x13x13, 256x13x13, 256x6x6, 4096, 4096 at 224 pixels;
    at 32 pixels 96x8x8, 192x4x4, 384x4x4, 256x4x4, 256x2x2, 1024, 1024; at 64 pixels maps of twice that side.

    Args:
        image_size: 224, 64 or 32. `torchvision.models.alexnet`'s state dict loads into the first.
        num_classes: length of the logits.
        width: factor on all channels and hidden units. 0.5 at 32 pixels is the book's default network.
        start: "torch", PyTorch's own start (variance 1 / (3 n) for n inputs), or "kaiming" (2 / n, biases 0; He et al.
            2015), with which signals keep their size from layer to layer.
        mean, std: see `Encoder`.

    Raises:
        ValueError: another image size or start, or a width that is not positive.
    """

    def __init__(
        self,
        image_size: int = 224,
        num_classes: int = 1000,
        width: float = 1.0,
        *,
        start: str = "torch",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ):
        if start not in ("torch", "kaiming"):
            raise ValueError(f'start must be "torch" or "kaiming", not {start!r}')
        if image_size == 224:
            stages = _stages_224(num_classes, width)
        elif image_size in (32, 64):
            stages = _stages_small(image_size, num_classes, width)
        else:
            raise ValueError(f"AlexNet comes for images of 32, 64 or 224 pixels, not {image_size!r}")
        super().__init__(stages, image_size=image_size, num_classes=num_classes, mean=mean, std=std)
        self.arguments = dict(
            image_size=image_size, num_classes=num_classes, width=width, start=start, mean=mean, std=std
        )
        if start == "kaiming":
            self.apply(_start_as_he)
        if image_size == 224:
            self.register_load_state_dict_pre_hook(_rename_torchvision)


def _start_as_he(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _stages_224(num_classes: int, width: float) -> list[tuple[str, nn.Module]]:
    c1, c2, c3, c4, c5, hidden = (scaled(c, width) for c in (64, 192, 384, 256, 256, 4096))
    flat = (nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Dropout())
    return [
        ("conv1", nn.Sequential(ImageConvolution(3, c1, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2))),
        ("conv2", nn.Sequential(nn.Conv2d(c1, c2, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2))),
        ("conv3", nn.Sequential(nn.Conv2d(c2, c3, 3, 1, 1), nn.ReLU())),
        ("conv4", nn.Sequential(nn.Conv2d(c3, c4, 3, 1, 1), nn.ReLU())),
        ("conv5", nn.Sequential(nn.Conv2d(c4, c5, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2))),
        ("fc6", nn.Sequential(*flat, nn.Linear(c5 * 6 * 6, hidden), nn.ReLU())),
        ("fc7", nn.Sequential(nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU())),
        ("logits", nn.Linear(hidden, num_classes)),
    ]


def _stages_small(image_size: int, num_classes: int, width: float) -> list[tuple[str, nn.Module]]:
    c1, c2, c3, c4, c5, hidden = (scaled(c, width) for c in (96, 192, 384, 256, 256, 1024))
    side = image_size // 16  # of the feature map that conv5 leaves
    return [
        ("conv1", nn.Sequential(ImageConvolution(3, c1, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(2))),
        ("conv2", nn.Sequential(nn.Conv2d(c1, c2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2))),
        ("conv3", nn.Sequential(nn.Conv2d(c2, c3, 3, 1, 1), nn.ReLU())),
        ("conv4", nn.Sequential(nn.Conv2d(c3, c4, 3, 1, 1), nn.ReLU())),
        ("conv5", nn.Sequential(nn.Conv2d(c4, c5, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2))),
        ("fc6", nn.Sequential(nn.Flatten(), nn.Linear(c5 * side * side, hidden), nn.ReLU())),
        ("fc7", nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())),
        ("logits", nn.Linear(hidden, num_classes)),
    ]


def _rename_torchvision(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    for theirs, ours in TORCHVISION_NAMES.items():
        for kind in ("weight", "bias"):
            if (value := state_dict.pop(prefix + theirs + kind, None)) is not None:
                state_dict[prefix + ours + kind] = value
