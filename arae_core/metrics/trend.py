"""Whether a measure rises or falls along a series of radii, factors or noise levels."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from scipy.stats import spearmanr


def trend(at: Sequence[float], means: Sequence[float]) -> float:
    """Spearman's rank correlation of the means with where they were measured: 1 if they rise at every step, -1 if
    they fall at every step. NaN if all means are equal. Raises ValueError for fewer than three places."""
    if len(at) != len(means) or len(at) < 3:
        raise ValueError(f"a trend needs three places or more with a mean each, not {len(at)} and {len(means)}")
    if max(means) == min(means):
        return nan
    return float(spearmanr(at, means).statistic)
