"""The same network, computed faster on a CPU: two rearrangements of its first layers, inside a context.

A strided convolution of the image becomes one of stride 1 over its pixels rearranged. With s the stride, the pixels of
every s x s square become s^2 channels of one place; a kernel of k x k, filled up with zeros to a multiple of s, becomes
one of ceil(k/s) x ceil(k/s) over them. The sums are the same sums in another order. An attack waits for the gradient
towards an image of three channels, which oneDNN computes slowly for its size; over 3 s^2 channels it is faster.

ReLU and max-pooling change places, since the largest of some numbers, cut off at zero, is the largest of the numbers cut
off at zero. ReLU then works on a quarter of the values, and the largest tensors of the network are made and thrown away
less often. Values and gradients are the same bit by bit.

Benchmarks `robust-epoch` and `robust-epoch-half`. The training loops work inside `rearranged`, which leaves class,
weights and state dict as they are.
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
    """Inside, the models' strided convolutions of three channels and their ReLUs before max-pooling are rearranged.

    Only on a CPU, where it was measured; elsewhere, and for other layers, nothing changes.
    """
    changed = []
    for module in (module for model in models for module in model.modules()):
        if _convolves_images(module):
            module.forward = partial(_convolve, module)
        elif _pools_after_relu(module):
            module.forward = partial(_pool_first, module)
        else:
            continue
        changed.append(module)
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


def _convolves_images(module: nn.Module) -> bool:
    return (type(module) is nn.Conv2d and module.in_channels == 3 and module.stride[0] == module.stride[1] > 1
            and module.kernel_size[0] == module.kernel_size[1] and module.padding[0] == module.padding[1]
            and module.dilation == (1, 1) and module.groups == 1 and module.padding_mode == "zeros"
            and module.weight.device.type == "cpu")


def _convolve(module: nn.Conv2d, x: Tensor) -> Tensor:
    return strided_convolution(x, module.weight, module.bias, module.stride[0], module.padding[0])


def _pools_after_relu(module: nn.Module) -> bool:
    """A plain chain that ends in ReLU and a max-pooling that sees no padding, on a CPU."""
    if type(module) is not nn.Sequential or len(module) < 3:
        return False
    *_, relu, pool = module
    return (type(relu) is nn.ReLU and type(pool) is nn.MaxPool2d and pool.padding == 0 and not pool.return_indices
            and next(module.parameters(), torch.empty(0, device="meta")).device.type == "cpu")


def _pool_first(module: nn.Sequential, x: Tensor) -> Tensor:
    *layers, relu, pool = module
    for layer in layers:
        x = layer(x)
    return relu(pool(x))
