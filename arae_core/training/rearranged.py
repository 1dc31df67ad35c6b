"""A strided convolution of the image, computed as one of stride 1 over its pixels rearranged.

With s the stride, the pixels of every s x s square become s^2 channels of one place; a kernel of k x k, filled up with
zeros to a multiple of s, becomes one of ceil(k/s) x ceil(k/s) over them. The sums are the same sums in another order. On
a CPU the gradient towards an image of three channels is what an attack waits for: oneDNN computes it at a tenth of the
speed of the other layers' gradients, and over 3 s^2 channels about twice as fast (benchmarks `attack` and
`robust-epoch`). So the training loops work inside `rearranged`, which leaves class, weights and state dict as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@contextmanager
def rearranged(*models: nn.Module) -> Iterator[None]:
    """Inside, the models' strided convolutions of three channels are computed by `strided_convolution`.

    Only on a CPU, where it was measured; elsewhere, and for other convolutions, nothing changes.
    """
    changed = [module for model in models for module in model.modules() if _worth_it(module)]
    for module in changed:
        module.forward = partial(_forward, module)
    try:
        yield
    finally:
        for module in changed:
            del module.forward  # its class's own is seen again


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


def _worth_it(module: nn.Module) -> bool:
    return (type(module) is nn.Conv2d and module.in_channels == 3 and module.stride[0] == module.stride[1] > 1
            and module.kernel_size[0] == module.kernel_size[1] and module.padding[0] == module.padding[1]
            and module.dilation == (1, 1) and module.groups == 1 and module.padding_mode == "zeros"
            and module.weight.device.type == "cpu")


def _forward(module: nn.Conv2d, x: Tensor) -> Tensor:
    return strided_convolution(x, module.weight, module.bias, module.stride[0], module.padding[0])
