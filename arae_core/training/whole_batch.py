"""The two layers that do not treat a batch image by image, for processes that have a part of its rows each.

Batch norm in training normalises by the mean and variance over the whole batch; torch has this for GPUs only.
Dropout draws its mask for the whole batch, which with the same seed everywhere is the mask of one process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from arae_core.training import several


class _FromAll(torch.autograd.Function):
    """(…) of each process -> (count, …) in each. What each makes of it differs, so backwards it is summed."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        return several.gathered(part[None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return several.summed(gradient)[several.rank()]


def batch_norm(module: _BatchNorm) -> Callable[[Tensor], Tensor]:
    """The module's forward pass for a share of the rows, as many in each process.

    Variances are put together from those within the shares and that between their means, which loses no digits.
    """
    plain = module.forward

    def forward(x: Tensor) -> Tensor:
        if not module.training and module.running_mean is not None:
            return plain(x)
        module._check_input_dim(x)
        rows = x.to(torch.promote_types(x.dtype, torch.float32))
        others = [dim for dim in range(x.dim()) if dim != 1]
        variance, mean = torch.var_mean(rows, others, correction=0)
        variances, means = _FromAll.apply(torch.stack([variance, mean])).unbind(1)
        mean = means.mean(0)
        variance = (variances + (means - mean) ** 2).mean(0)
        if module.training and module.running_mean is not None:
            _keep(module, mean.detach(), variance.detach(), several.count() * x.numel() // x.shape[1])
        scale = torch.rsqrt(variance + module.eps)
        scale = scale if module.weight is None else scale * module.weight
        shift = -mean * scale if module.bias is None else module.bias - mean * scale
        along = (1, -1, *[1] * (x.dim() - 2))
        return torch.addcmul(shift.view(along), rows, scale.view(along)).to(x.dtype)

    return forward


@torch.no_grad()
def _keep(module: _BatchNorm, mean: Tensor, variance: Tensor, n: int) -> None:
    """Running statistics as torch keeps them: the variance that of a sample of n values."""
    module.num_batches_tracked += 1
    share = 1 / float(module.num_batches_tracked) if module.momentum is None else module.momentum
    module.running_mean.lerp_(mean.to(module.running_mean.dtype), share)
    module.running_var.lerp_((variance * n / max(n - 1, 1)).to(module.running_var.dtype), share)


def dropout(module: nn.Dropout) -> Callable[[Tensor], Tensor]:
    """The module's forward pass for a share of the rows: the whole batch's mask, and of it these rows."""
    plain = module.forward

    def forward(x: Tensor) -> Tensor:
        if not module.training:
            return plain(x)
        mask = plain(x.new_ones(several.count() * len(x), *x.shape[1:]))
        return x * mask[several.rank() * len(x):][:len(x)]

    return forward
