"""DCGAN's generator (Radford, Metz and Chintala 2016): a code of white noise to an image, by up-convolutions alone.

A linear layer lays the code out as a map of 4 x 4; transposed convolutions of stride 2 double it and halve the
channels until the image's size is reached; batch norm and ReLU after each, tanh at the end, weights from N(0, 0.02).
Here the tanh is mapped to [0, 1], and the kernels are 4 x 4, as in the mirror generators, where the paper draws 5 x 5.
"""

from torch import Tensor, nn

from arae_core.data.places import check_integer
from arae_core.networks.blocks import UnitTanh, upsampling_unit
from arae_core.networks.encoder import scaled

FIRST_SIDE = 4


class DCGenerator(nn.Module):
    """g: codes (B, code_size) from N(0, 1) to x_hat (B, 3, image_size, image_size) in [0, 1].

    Args:
        image_size: 16, 32, 64 or 128: four, doubled.
        code_size: numbers in a code; the paper has 100.
        width: factor on all channels; 1 is the paper's 128 before the last layer, doubled at each halving.

    Raises:
        ValueError: another size, or a code of no number.
    """

    def __init__(self, image_size: int = 64, code_size: int = 100, width: float = 1.0):
        super().__init__()
        doublings = dcgan_doublings(image_size)
        check_integer("code_size", code_size)
        self.code_shape = (code_size,)
        self.arguments = {"image_size": image_size, "code_size": code_size, "width": width}
        channels = [scaled(128 * 2 ** (doublings - 1 - i), width) for i in range(doublings)]
        self.layout = nn.Sequential(
            nn.Linear(code_size, channels[0] * FIRST_SIDE**2, bias=False),
            nn.Unflatten(1, (channels[0], FIRST_SIDE, FIRST_SIDE)),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(),
        )
        steps = zip(channels, channels[1:])
        self.body = nn.Sequential(*(layer for step in steps for layer in upsampling_unit(*step)))
        self.to_image = nn.Sequential(nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1), UnitTanh())
        initialise_dcgan(self)

    def forward(self, code: Tensor) -> Tensor:
        return self.to_image(self.body(self.layout(code)))


def dcgan_doublings(image_size: int) -> int:
    """From 4 x 4 to the image. Raises ValueError for another size than 16, 32, 64 or 128 pixels."""
    if image_size not in (16, 32, 64, 128):
        raise ValueError(f"a DCGAN comes for images of 16, 32, 64 or 128 pixels, not {image_size!r}")
    return (image_size // FIRST_SIDE).bit_length() - 1


def initialise_dcgan(network: nn.Module) -> None:
    """The paper's start, in place: N(0, 0.02) for weights; batch norms N(1, 0.02), as in its authors' code."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
