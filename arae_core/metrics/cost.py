"""What a method costs: floating-point operations and milliseconds an image, and trainable parameters.

Operations are counted by `torch.utils.flop_counter`: convolutions, plain and transposed, and matrix products,
each multiply-add as 2. What works element by element (activations, batch norm, pooling, an optimiser's step) is
not counted. The counter sees what is run, backward passes included.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def flops(run: Callable[[], object]) -> int:
    """Floating-point operations of one call of `run`, gradients included where it takes any.

    A leaf that `run` differentiates by must not be a module's own input: torch's counter cannot follow it there.
    (`Encoder.features` takes mean and standard deviation out first, so images are safe.)
    """
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def trainable_parameters(*modules: nn.Module) -> int:
    """How many numbers training may change; frozen ones do not count."""
    return sum(p.numel() for module in modules for p in module.parameters() if p.requires_grad)


def milliseconds(run: Callable[[], object], images: int, repeats: int = 5) -> float:
    """Median time of a call of `run` in milliseconds, divided by the number of `images` that it works on.

    One call beforehand warms up. A GPU is waited for before and after each. Raises ValueError for less than one
    image or repeat.
    """
    if images < 1 or repeats < 1:
        raise ValueError(f"at least one image and one repeat, not {images} and {repeats}")
    run()
    times = []
    for _ in range(repeats):
        _wait()
        began = time.perf_counter()
        run()
        _wait()
        times.append(time.perf_counter() - began)
    return 1000 * median(times) / images


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
