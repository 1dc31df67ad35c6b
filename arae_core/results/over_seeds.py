"""A measure over the seeds of one setting, with its 95 % interval, for curves drawn from records."""

from collections.abc import Iterable

from .intervals import CONFIDENCE, Estimate, of_numbers
from .record import Record, RecordError, by_seed


def over_seeds(records: Iterable[Record], name: str, confidence: float = CONFIDENCE) -> Estimate:
    """(mean, low, high) of the measure `name`: Student's interval over seeds; with one seed the three are equal.

    Raises RecordError if no record has the measure, or if they differ in more than their seed.
    """
    values = [run.metrics[name]["value"] for run in by_seed(records).values() if name in run.metrics]
    if not values:
        raise RecordError(f"no record has the measure {name}")
    if len(values) == 1:
        return values[0], values[0], values[0]
    return of_numbers(values, confidence)
