"""A mean over images with its 95 % interval, for curves."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from .summary import summarise

Z = 1.96  # of the normal distribution, for 95 %


def interval(values: Tensor) -> tuple[float, float, float]:
    """(mean, low, high) of (N,) values, one an image: the 95 % interval of the mean.

    Normal for numbers, where a single value has no spread. For bools, as `accuracy` gives them, Wilson's (1927),
    which stays in [0, 1]. It speaks of other images, not of other seeds. Raises as `summarise`.
    """
    found = summarise(values)
    mean, n = found["value"], found["n"]
    if values.dtype == torch.bool:
        centre = (mean + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * sqrt(mean * (1 - mean) / n + Z**2 / (4 * n**2))
        return mean, centre - half, centre + half
    half = Z * found["std"] / sqrt(n)
    return mean, mean - half, mean + half
