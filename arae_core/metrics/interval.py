"""A mean over images with its 95 % interval, for curves."""

from __future__ import annotations

from math import sqrt

import torch
from scipy.stats import binomtest, norm
from torch import Tensor

from .summary import summarise

CONFIDENCE = 0.95


def interval(values: Tensor) -> tuple[float, float, float]:
    """(mean, low, high) of (N,) values, one an image: the 95 % interval of the mean.

    Normal for numbers, where a single value has no spread. For bools, as `accuracy` gives them, Wilson's (1927),
    which stays in [0, 1]. It speaks of other images, not of other seeds. Raises as `summarise`.
    """
    found = summarise(values)
    mean, n = found["value"], found["n"]
    if values.dtype == torch.bool:
        low, high = binomtest(int(values.sum()), n).proportion_ci(CONFIDENCE, method="wilson")
        return mean, float(low), float(high)
    if found["std"] == 0:  # scipy says NaN
        return mean, mean, mean
    low, high = norm.interval(CONFIDENCE, loc=mean, scale=found["std"] / sqrt(n))
    return mean, float(low), float(high)
