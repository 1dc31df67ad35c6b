"""From one number an image to those that a record keeps, mean, spread and count; intervals; and trends along a series."""

from collections.abc import Sequence
from math import nan, sqrt

import torch
from scipy.stats import binomtest, norm, spearmanr
from torch import Tensor

CONFIDENCE = 0.95


def summarise(values: Tensor, clusters: Tensor | None = None) -> dict[str, float | int]:
    """{"value": mean, "std": sample standard deviation, "n": count} of (N,) floats or bools.

    NaN is left out of all three (as A does with LPIPS), and then counted under "dropped". A single value
    has std 0. clusters: (N,), which values are akin, as crops of one photograph are. The summary then also has their
    number, "clusters", and "error", the standard error of the mean by Liang and Zeger (1986), which lets the values of
    a cluster depend on each other in any way. Raises ValueError if nothing is left.
    """
    values = torch.as_tensor(values).detach().flatten().to("cpu", torch.float64)
    there = ~values.isnan()
    kept = values[there]
    if not len(kept):
        raise ValueError(f"nothing to summarise: {len(values)} values, all of them NaN")
    std = kept.std().item() if len(kept) > 1 else 0.0
    summary = {"value": kept.mean().item(), "std": std, "n": len(kept)}
    if len(kept) < len(values):
        summary["dropped"] = len(values) - len(kept)
    if clusters is not None:
        names, which = clusters.to("cpu")[there].unique(return_inverse=True)
        count = len(names)
        sums = torch.zeros(count, dtype=torch.float64).index_add_(0, which, kept - kept.mean())
        summary["clusters"] = count
        summary["error"] = (count / max(count - 1, 1) * (sums**2).sum()).sqrt().item() / len(kept)
    return summary


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


def trend(at: Sequence[float], means: Sequence[float]) -> float:
    """Spearman's rank correlation of the means with where they were measured: 1 if they rise at every step, -1 if
    they fall at every step. NaN if all means are equal. Raises ValueError for fewer than three places."""
    if len(at) != len(means) or len(at) < 3:
        raise ValueError(f"a trend needs three places or more, with means, not {len(at)} and {len(means)}")
    if max(means) == min(means):
        return nan
    return float(spearmanr(at, means).statistic)
