"""A strided convolution of images, computed faster on a CPU: as one of stride 1 over its pixels rearranged.

With s the stride, the pixels of every s x s square become s^2 channels of one place; a kernel of k x k, filled up with
zeros to a multiple of s, becomes one of ceil(k/s) x ceil(k/s) over them: the same sums in another order. An attack waits for
the gradient towards three channels, which oneDNN computes slowly; over 3 s^2 it saves a sixth of an epoch.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ImageConvolution(nn.Conv2d):
    """`nn.Conv2d` for square kernels with a stride, weights and results the same but for rounding.

    On a CPU and inside `rearranged` it works on rearranged pixels, else it is the convolution itself.
    """

    rearranges = False

    def forward(self, x: Tensor) -> Tensor:
        if not ImageConvolution.rearranges or x.device.type != "cpu":
            return super().forward(x)
        return strided_convolution(x, self.weight, self.bias, self.stride[0], int(self.padding[0]))


@contextmanager
def rearranged(wanted: bool = True) -> Iterator[None]:
    """Inside, image convolutions work on rearranged pixels, if that is wanted. Runs over image sets do so."""
    before, ImageConvolution.rearranges = ImageConvolution.rearranges, wanted
    try:
        yield
    finally:
        ImageConvolution.rearranges = before


def strided_convolution(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """`F.conv2d(x, weight, bias, stride, padding)` to rounding, for square kernels.

    x: (B, C, H, W). weight: (D, C, k, k). Returns (B, D, h, w), h = (H + 2 padding - k) // stride + 1.
    """
    side = weight.shape[-1]
    height, width = ((length + 2 * padding - side) // stride + 1 for length in x.shape[-2:])
    before = -padding % stride  # zeros that let the kernel begin at the edge of a square
    after = -(before + side) % stride
    kernel = _squares(F.pad(weight, (before, after, before, after)), stride)
    out = F.conv2d(_squares(_filled(x, stride), stride), kernel, bias, padding=(padding + before) // stride)
    return out[:, :, :height, :width]


def _squares(x: Tensor, side: int) -> Tensor:
    """(B, C, H, W) as (B, side side C, H / side, W / side) in channels_last order, by one copy."""
    b, c, h, w = x.shape
    x = x.permute(0, 2, 3, 1).reshape(b, h // side, side, w // side, side, c)
    return x.transpose(2, 3).reshape(b, h // side, w // side, side * side * c).permute(0, 3, 1, 2)


def _filled(x: Tensor, side: int) -> Tensor:
    """With zeros on the right and below, up to whole squares; in the precision that the convolution will have."""
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))  # half the bytes to move
    right, below = -x.shape[-1] % side, -x.shape[-2] % side
    return F.pad(x, (0, right, 0, below)) if right or below else x
