"""Learning rates as pure functions of progress, so that a resumed run needs no scheduler state."""

import math

from torch.optim import Optimizer


def one_cycle(progress: float) -> float:
    """Factor on the peak rate at `progress` in [0, 1]: up from 1/25 over 30 %, down to 1e-4, by cosines.

    The shape of Smith & Topin 2018, as torch's OneCycleLR has it.
    """
    rise, start, end = 0.3, 1 / 25, 1e-4
    if progress < rise:
        return _cosine(start, 1.0, progress / rise)
    return _cosine(1.0, end, (progress - rise) / (1 - rise))


def factor(schedule: str, step: int, steps: int, epoch: int) -> float:
    """The schedule's factor at `step` of `steps`, in `epoch`: "one-cycle", "step" or "constant"."""
    if schedule == "one-cycle":
        return one_cycle(step / max(steps - 1, 1))
    if schedule == "step":
        return 0.1 ** (epoch // 30)  # a tenth after every 30 epochs (A, section A4.1)
    if schedule == "constant":
        return 1.0
    raise ValueError(f'schedule must be "one-cycle", "step" or "constant", got {schedule!r}')


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every parameter group the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
