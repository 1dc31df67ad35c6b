"""What A's inverters and the mirror generators are made of, and how both are initialised.

A's unit is a convolution without bias, batch norm and ReLU; the last convolution has a bias instead, and a
tanh whose range [-1, 1] is mapped to the [0, 1] of images.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations


class UnitTanh(nn.Module):
    """(tanh(x) + 1) / 2: real numbers to pixels in [0, 1], float32 under autocast too."""

    def forward(self, x: Tensor) -> Tensor:
        # Half precision is too coarse for pixels: bfloat16 has steps of 1/256 just below 1.
        return 0.5 * (x.to(torch.promote_types(x.dtype, torch.float32)).tanh() + 1)


def conv_unit(in_channels: int, out_channels: int) -> list[nn.Module]:
    """3x3 convolution, batch norm, ReLU; the size stays."""
    return with_norm(nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False))


def upsampling_unit(in_channels: int, out_channels: int, *, odd: bool = False) -> list[nn.Module]:
    """4x4 transposed convolution of stride 2, batch norm, ReLU; side n becomes 2n, or 2n + 1 if `odd`."""
    return with_norm(nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, int(odd), bias=False))


def with_norm(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    """The convolution, batch norm over its output channels, ReLU."""
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU()]


class MirroredResidualBlock(nn.Module):
    """A residual block run backwards: (B, in_channels, h, w) to (B, out_channels, stride * h, stride * w).

    Convolution (4x4 transposed for a stride of 2), batch norm, ReLU, convolution, batch norm, sum, ReLU.
    Where the shape changes, the input goes around by a 1x1 convolution, batch norm and nearest upsampling.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        first = upsampling_unit if stride == 2 else conv_unit
        self.residual = nn.Sequential(
            *first(in_channels, out_channels), *conv_unit(out_channels, out_channels)[:2]
        )
        if stride == 1 and in_channels == out_channels:
            self.around: nn.Module = nn.Identity()
        else:
            self.around = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.Upsample(scale_factor=stride, mode="nearest"),
            )
        self.relu = nn.ReLU()

    def forward(self, z: Tensor) -> Tensor:
        return self.relu(self.residual(z) + self.around(z))


def image_unit(in_channels: int) -> list[nn.Module]:
    """The last unit: 3x3 convolution to three channels, with bias, and the tanh mapped to [0, 1]."""
    return [nn.Conv2d(in_channels, 3, 3, padding=1), UnitTanh()]


def initialise(generator: nn.Module) -> None:
    """A's initialisation, in place, before any spectral norm: N(0, 0.02) on the weights of convolutions,
    N(1, 0.02) on the weights of batch norms, 0 on their biases.

    As in A's code, transposed convolutions (and linear layers) keep PyTorch's own: its test on the class's
    name leaves them out.
    """
    for module in generator.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def add_spectral_norm(generator: nn.Module) -> None:
    """Divide every convolution's weight, plain or transposed, by its largest singular value; in place."""
    for module in list(generator.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            parametrizations.spectral_norm(module)
