"""95 % intervals (scipy): of a mean over seeds or images, and of what two means differ by, by Student's distribution; of a
share of images by Wilson's.

All return (mean, low, high). low and high are NaN where the spread is not known, and equal the mean where there is
none.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, nan, sqrt
from statistics import stdev

from scipy import stats

from .record import Record, RecordError, by_seed

CONFIDENCE = 0.95
SHARES = ("accuracy", "clean_accuracy", "robust_accuracy")  # an image counts as 0 or 1
# What a measure can be; an interval by Student's distribution does not know.
RANGES = dict.fromkeys(SHARES, (0.0, 1.0)) | {"auroc": (0.0, 1.0), "ssim": (-1.0, 1.0), "trend": (-1.0, 1.0)}
Estimate = tuple[float, float, float]  # mean, low, high


def over_seeds(records: Iterable[Record], name: str) -> Estimate:
    """Of the measure `name`, over the seeds of one setting; with one seed the three are equal, for curves.

    Raises RecordError if no record has the measure, or if they differ in more than their seed.
    """
    values = [run.metrics[name]["value"] for run in by_seed(records).values() if name in run.metrics]
    if not values:
        raise RecordError(f"no record has the measure {name}")
    return of_numbers(values) if len(values) > 1 else (values[0],) * 3


def of_numbers(values: Sequence[float]) -> Estimate:
    """Over a few numbers, one a seed; a single one has no spread."""
    spread = stdev(values) if len(values) > 1 else 0.0
    return of_images({"value": sum(values) / len(values), "std": spread, "n": len(values)})


def of_images(summary: Mapping[str, float]) -> Estimate:
    """Over the images that a record's {"value", "std", "n"} sums up, or over their clusters; of the differences of pairs,
    the paired t interval."""
    return _student(summary["value"], *_of_mean(summary))


def _of_mean(summary: Mapping[str, float]) -> tuple[float, float]:
    """The variance of the mean, and its degrees of freedom."""
    if "clusters" in summary:
        return summary["error"] ** 2, summary["clusters"] - 1
    return summary["std"] ** 2 / summary["n"], summary["n"] - 1


def of_share(summary: Mapping[str, float]) -> Estimate:
    """Of a share of n images, Wilson's interval: it stays within 0 and 1, and is none of a single image's. Of clusters, that
    of as many images as would leave this error if they were independent (Kish 1965)."""
    n, spread = int(summary["n"]), summary["value"] * (1 - summary["value"])
    if "clusters" in summary:
        # of a single cluster the error is nothing, or rounding
        known = summary["clusters"] > 1 and summary["error"]
        n = min(n, round(spread / summary["error"] ** 2)) if known else int(summary["clusters"])
    if n < 2:
        return summary["value"], nan, nan
    ends = stats.binomtest(round(summary["value"] * n), n).proportion_ci(CONFIDENCE, method="wilson")
    return summary["value"], float(ends.low), float(ends.high)


def of_measure(name: str, summaries: Sequence[Mapping[str, float]]) -> Estimate:
    """Of a measure by its name ("accuracy/robust/pgd"): over seeds, of one run over images; within what it can be."""
    metric = name.split("/")[0]
    if len(summaries) > 1:
        mean, low, high = of_numbers([summary["value"] for summary in summaries])
    else:
        mean, low, high = of_share(summaries[0]) if metric in SHARES else of_images(summaries[0])
    least, most = RANGES.get(metric, (-inf, inf))
    return mean, max(low, least), min(high, most)  # NaN stays NaN: it stands first


def of_two_means(left: Mapping[str, float], right: Mapping[str, float]) -> Estimate:
    """Left minus right over images that are not known to be the same ones: Welch's interval.

    left and right: {"value", "std", "n"}. Scipy has Welch's test for such summaries, but no interval: the degrees of
    freedom are Satterthwaite's.
    """
    (a, of_a), (b, of_b) = _of_mean(left), _of_mean(right)
    known = of_a > 0 and of_b > 0
    spread = a**2 / of_a + b**2 / of_b if known else 0.0
    freedom = (a + b) ** 2 / spread if spread else of_a + of_b
    return _student(left["value"] - right["value"], a + b, freedom if known else 0)


def _student(mean: float, variance: float, freedom: float) -> Estimate:
    """variance: that of the mean itself."""
    if freedom <= 0:
        return mean, nan, nan
    if sqrt(variance) <= 1e-13 * abs(mean):  # nothing, or rounding; of nothing scipy says NaN
        return mean, mean, mean
    low, high = stats.t.interval(CONFIDENCE, freedom, loc=mean, scale=sqrt(variance))
    return mean, float(low), float(high)
