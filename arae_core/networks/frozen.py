"""Look through a network without touching it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def frozen(*models: nn.Module, weights: bool = True) -> Iterator[None]:
    """Evaluation mode and no parameter gradients inside; everything as it was afterwards.

    Batch norm then uses its running statistics, so that an attack is deterministic and does not
    drift them. Restored on the way out, also after an error: the mode of every submodule, every
    parameter's requires_grad, and the values of all buffers.

    weights: False leaves the parameters asking for gradients, for who takes those of the image alone: autocast then
        casts each weight once instead of in every pass.
    """
    modules = [module for model in models for module in model.modules()]
    modes = [module.training for module in modules]
    parameters = [p for model in models for p in model.parameters()] if weights else []
    flags = [p.requires_grad for p in parameters]
    buffers = [(b, b.detach().clone(), b._version) for model in models for b in model.buffers()]
    try:
        for model in models:
            model.eval()
        for p in parameters:
            p.requires_grad_(False)
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
        for p, flag in zip(parameters, flags, strict=True):
            p.requires_grad_(flag)
        with torch.no_grad():
            for buffer, before, version in buffers:
                if buffer._version != version:  # a copy would break graphs that need the buffer
                    buffer.copy_(before)
