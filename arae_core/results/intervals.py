"""95 % intervals by Student's distribution (scipy): of a mean over seeds or images, and of what two means differ by.

All return (mean, low, high). low and high are NaN where the spread is not known, and equal the mean where there is
none.
"""

from collections.abc import Mapping, Sequence
from math import nan, sqrt

from scipy import stats

CONFIDENCE = 0.95
Estimate = tuple[float, float, float]  # mean, low, high


def of_numbers(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Over a few numbers, one a seed; a single one has no spread."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, nan, nan
    if max(values) - min(values) <= 1e-12 * abs(mean):  # the t statistic is infinite, or rounding
        return mean, mean, mean
    low, high = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return mean, float(low), float(high)


def of_images(summary: Mapping[str, float], confidence: float = CONFIDENCE) -> Estimate:
    """Over the images that a record's {"value", "std", "n"} sums up; of the differences of pairs, the paired t interval."""
    return _student(summary["value"], summary["std"] ** 2 / summary["n"], summary["n"] - 1, confidence)


def of_two_means(left: Mapping[str, float], right: Mapping[str, float], confidence: float = CONFIDENCE) -> Estimate:
    """Left minus right over images that are not known to be the same ones: Welch's interval.

    left and right: {"value", "std", "n"}. Scipy has Welch's test for such summaries, but no interval: the degrees of
    freedom are Satterthwaite's.
    """
    a, b = (side["std"] ** 2 / side["n"] for side in (left, right))
    known = left["n"] > 1 and right["n"] > 1
    spread = a**2 / (left["n"] - 1) + b**2 / (right["n"] - 1) if known else 0.0
    freedom = (a + b) ** 2 / spread if spread else left["n"] + right["n"] - 2
    return _student(left["value"] - right["value"], a + b, freedom if known else 0, confidence)


def _student(mean: float, variance: float, freedom: float, confidence: float) -> Estimate:
    """variance: that of the mean itself."""
    if freedom <= 0:
        return mean, nan, nan
    if variance == 0:  # scipy says NaN
        return mean, mean, mean
    low, high = stats.t.interval(confidence, freedom, loc=mean, scale=sqrt(variance))
    return mean, float(low), float(high)
