"""A measure over the seeds of one setting, with its 95 % interval, for curves drawn from records."""

from collections.abc import Iterable
from math import sqrt
from statistics import mean, stdev

from scipy.stats import t as student

from .record import Record, RecordError, by_seed


def over_seeds(records: Iterable[Record], name: str, confidence: float = 0.95) -> tuple[float, float, float]:
    """(mean, low, high) of the measure `name`: Student's interval over seeds; with one seed the three are equal.

    Raises RecordError if no record has the measure, or if they differ in more than their seed.
    """
    values = [run.metrics[name]["value"] for run in by_seed(records).values() if name in run.metrics]
    if not values:
        raise RecordError(f"no record has the measure {name}")
    if len(values) == 1:
        return values[0], values[0], values[0]
    half = float(student.ppf((1 + confidence) / 2, len(values) - 1)) * stdev(values) / sqrt(len(values))
    return mean(values), mean(values) - half, mean(values) + half
