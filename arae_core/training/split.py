"""Networks whose batches are shared out among processes, under a loop that does not know of it.

    with split(encoder):
        train_classifier(encoder, ...)

Each process calls the network on the same whole batch. It computes its own rows and gets the results of all,
so that losses, their normalisers and an attack's steps are those of the whole batch whatever they are. Backwards
the same holds: an image's gradient is gathered, a weight's is the sum over the processes. What couples images
inside a network is seen to: batch norm takes its statistics over all rows, and dropout draws for all of them.
The result is that of one process, but for the order in which sums are rounded.

The sums of weights' gradients are waited for one by one, as the backward pass comes to them: it may add to
gradients that are there already, which must not be summed again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from arae_core.training import several
from arae_core.training.whole_batch import batch_norm, dropout

ENTRANCES = ("forward", "features")  # what a loop calls; inside one, others are plain calls


class _OwnRows(torch.autograd.Function):
    """Whole batch, the same in every process -> this process's rows. Backwards: the gradient of all rows."""

    @staticmethod
    def forward(ctx: Any, batch: Tensor) -> Tensor:
        return batch[own(len(batch))].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return several.gathered(gradient)


class _AllRows(torch.autograd.Function):
    """This process's rows -> whole batch. Backwards: own rows; the loss after it is everybody's, not a part."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        return several.gathered(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient[own(len(gradient))]


@contextmanager
def split(*networks: nn.Module | None) -> Iterator[None]:
    """Within, each network computes this process's rows of its batches only. Alone in the world: does nothing.

    Args:
        networks: each takes and returns tensors whose first dimension is the batch; None is passed over.
            They come back as they were, trained weights aside.

    Raises:
        ValueError: when a network is called on a batch that the processes cannot share evenly.
    """
    found = dict.fromkeys(network for network in networks if network is not None)
    if several.count() == 1 or not found:
        yield
        return
    shared = _Shared()
    with ExitStack() as stack:
        for network in found:
            for name in ENTRANCES:
                if hasattr(network, name):
                    stack.enter_context(_replaced(network, name, shared.between(getattr(network, name))))
        for module in dict.fromkeys(module for network in found for module in network.modules()):
            if isinstance(module, _BatchNorm):
                stack.enter_context(_replaced(module, "forward", batch_norm(module)))
            elif isinstance(module, nn.Dropout):
                stack.enter_context(_replaced(module, "forward", dropout(module)))
        for weight in dict.fromkeys(weight for network in found for weight in network.parameters()):
            if weight.requires_grad:
                stack.callback(weight.register_hook(several.summed).remove)
        yield


def own(batch_size: int) -> slice:
    """Which rows of a batch are this process's. Raises ValueError where they cannot be shared evenly."""
    count = several.count()
    if batch_size % count:
        fitting = max(batch_size // count, 1) * count
        raise ValueError(f"a batch of {batch_size} images cannot be shared evenly by {count} processes: take a "
                         f"batch size that {count} divides, such as {fitting}, or another number of processes")
    each = batch_size // count
    return slice(several.rank() * each, (several.rank() + 1) * each)


class _Shared:
    """Shares out calls, but not those that a network makes of itself or of another while it runs."""

    def __init__(self):
        self.inside = False

    def between(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @functools.wraps(function)
        def on_own_rows(*arguments: Any, **named: Any) -> Tensor:
            if self.inside:
                return function(*arguments, **named)
            self.inside = True
            try:
                rows = function(*map(_own_rows, arguments),
                                **{name: _own_rows(value) for name, value in named.items()})
            finally:
                self.inside = False
            return _AllRows.apply(rows)

        return on_own_rows


def _own_rows(argument: Any) -> Any:
    return _OwnRows.apply(argument) if isinstance(argument, Tensor) else argument


@contextmanager
def _replaced(module: nn.Module, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """The method on this one instance; class and state dict do not change."""
    setattr(module, name, function)
    try:
        yield
    finally:
        delattr(module, name)
