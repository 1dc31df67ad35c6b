"""VGG-19 up to relu5_1, the network whose features measure style in A's Table 8 and carry Li et al.'s transfer (UST).

Simonyan and Zisserman 2014, in torchvision's layer plan and with its ImageNet weights where they are at hand
(`data.weights`). It is no classifier here: the fully connected layers are left out, and with random weights it is of
no use, so `vgg19` has it with ImageNet's or not at all.
"""

from pathlib import Path

from torch import nn

from arae_core.networks.encoder import IMAGENET_MEAN, IMAGENET_STD, Encoder
from arae_core.networks.pretrained import fetch_weights, read_weights, weights_file

FILE = "vgg19-dcbb9e9d.pth"  # torchvision's name
# Channels of the convolutions from the one after a named ReLU to the next named one; "M" is a max-pool.
PLAN: dict[str, tuple[int | str, ...]] = {
    "relu1_1": (64,),
    "relu2_1": (64, "M", 128),
    "relu3_1": (128, "M", 256),
    "relu4_1": (256, 256, 256, "M", 512),
    "relu5_1": (512, 512, 512, "M", 512),
}


class VGG19(Encoder):
    """VGG-19's convolutions with layers "relu1_1", "relu2_1", "relu3_1", "relu4_1" and "relu5_1".

    Features at 224 pixels: 64x224x224, 128x112x112, 256x56x56, 512x28x28, 512x14x14. ImageNet's mean and standard
    deviation are inside. Untrained as built; see `vgg19`.

    Args:
        image_size: side in pixels that `mirror` lays its generators out for, a multiple of 16.

    Raises:
        ValueError: a side that cannot be halved four times.
    """

    def __init__(self, image_size: int = 224):
        if image_size < 16 or image_size % 16:
            raise ValueError(f"VGG19 halves its images four times: {image_size} is no multiple of 16")
        stages, before = [], 3
        for name, plan in PLAN.items():
            stage: list[nn.Module] = []
            for channels in plan:
                if isinstance(channels, str):
                    stage.append(nn.MaxPool2d(2))
                else:
                    stage += [nn.Conv2d(before, channels, 3, 1, 1), nn.ReLU()]
                    before = channels
            stages.append((name, nn.Sequential(*stage)))
        super().__init__(
            stages, image_size=image_size, num_classes=before, mean=IMAGENET_MEAN, std=IMAGENET_STD
        )
        self.arguments = {"image_size": image_size}


def vgg19(image_size: int = 224) -> VGG19:
    """VGG-19 with torchvision's ImageNet weights, in evaluation mode and without gradients of its weights.

    Raises:
        WeightsUnavailable: they are not on this machine, or damaged; says how to bring them.
    """
    fetch = "from arae_core.networks import fetch_vgg19; fetch_vgg19()"
    path = weights_file(FILE, needed_by="VGG-19 needs the ImageNet weights", fetch=fetch)
    f, weights = VGG19(image_size), read_weights(path)
    f.load_state_dict({ours: weights[theirs] for ours, theirs in _names(f)})
    return f.eval().requires_grad_(False)


def fetch_vgg19() -> Path:
    """Download the weights (548 MB) into torch's own cache, check them, return their path."""
    return fetch_weights(FILE)


def _names(f: VGG19) -> list[tuple[str, str]]:
    """(our name, torchvision's name) of every weight and bias: theirs number all modules of the chain through."""
    modules = [(name, its) for name, its in f.named_modules() if name.count(".") == 2]  # stages.relu1_1.0
    numbered = [(n, name) for n, (name, its) in enumerate(modules) if isinstance(its, nn.Conv2d)]
    return [(f"{name}.{kind}", f"features.{n}.{kind}") for n, name in numbered for kind in ("weight", "bias")]
