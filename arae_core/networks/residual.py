"""The two residual blocks: ResNet's (He et al. 2015) and, pre-activated, WideResNet's (Zagoruyko 2016).

Both are two 3x3 convolutions around which the input passes unchanged, or through a 1x1 convolution where the
number of channels or the size changes. They differ in where batch norm and ReLU stand.
"""

from collections.abc import Callable

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """What the two have in common: (B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.in_channels, self.out_channels, self.stride = in_channels, out_channels, stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.relu = nn.ReLU()
        self.same_shape = stride == 1 and in_channels == out_channels

    def projection(self) -> nn.Conv2d:
        """The 1x1 convolution that takes the input around where its shape changes."""
        return nn.Conv2d(self.in_channels, self.out_channels, 1, self.stride, bias=False)


class BasicBlock(ResidualBlock):
    """ResNet's: convolution, batch norm, ReLU, convolution, batch norm, sum, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__(in_channels, out_channels, stride)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.norm2 = nn.BatchNorm2d(out_channels)
        changed = [] if self.same_shape else [self.projection(), nn.BatchNorm2d(out_channels)]
        self.around = nn.Sequential(*changed)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return self.relu(out + self.around(x))


class PreActivationBlock(ResidualBlock):
    """WideResNet's: batch norm, ReLU, convolution, twice; the sum is left as it is, of either sign."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__(in_channels, out_channels, stride)
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.around = None if self.same_shape else self.projection()

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.norm1(x))
        around = x if self.around is None else self.around(active)
        out = self.relu(self.norm2(self.conv1(active)))
        return self.conv2(out) + around


def residual_group(
    block: Callable[[int, int, int], ResidualBlock],
    in_channels: int,
    out_channels: int,
    blocks: int,
    stride: int,
) -> list[ResidualBlock]:
    """`blocks` residual blocks, of which the first changes the number of channels and takes the stride."""
    first = block(in_channels, out_channels, stride)
    return [first, *(block(out_channels, out_channels, 1) for _ in range(blocks - 1))]
