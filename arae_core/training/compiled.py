"""`torch.compile` for the loops, without a change of them: attack and training step get a graph each.

A compiled backward pass computes the gradients of all weights that ask for one, unlike the eager one, which leaves out
what `torch.autograd.grad` did not ask for. The loops freeze the weights during the attack, and compilation keeps a graph
for every such state, so the attack's has no weight gradients in it. Worth it on GPUs, where small networks wait for
launches; compiling takes up to a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def compiled(model: nn.Module, **options: Any) -> Iterator[None]:
    """Calls of `model` are compiled inside; its class, weights and state dict stay what they are.

    options: of `torch.compile` (mode="max-autotune", backend=…).
    """
    model.compile(**options)
    try:
        yield
    finally:
        model._compiled_call_impl = None  # what Module.compile sets, and nothing public takes back
