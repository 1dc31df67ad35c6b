"""The committed records of the reference runs, `book/reference/<profile>/records/*.json`."""

from typing import Any

from arae_core.store import asked, reference_dir

from .record import Record
from .tables import Names, Table, grid_table, table


def reference(chapter: str, profile: str) -> list[Record]:
    """The chapter's committed records at a profile, one a seed; none where there are none."""
    folder = reference_dir()
    if folder is None:
        return []
    pattern = folder / profile / "records" / f"{chapter}-*.json"
    paths = sorted(pattern.parent.glob(pattern.name))
    asked.update([pattern, *paths])
    return [Record.read(path) for path in paths]


def reference_table(chapter: str, profile: str, metrics: Names, **choices: Any) -> Table:
    """Their table (see `table`), or a line that says how to make it."""
    records = reference(chapter, profile)
    return table(records, metrics, **choices) if records else _not_run(chapter, profile)


def reference_points(chapter: str, profile: str, key: str) -> list[Record]:
    """Of a chapter that writes a record for each value of `key`: those, without the records of whole runs."""
    return [record for record in reference(chapter, profile) if key in record.point]


def reference_grid(
    chapter: str, profile: str, keys: Names, metrics: Names | None = None, *, without: Any = ()
) -> Table:
    """`grid_table` of the records that have a point in each of `keys`, or a line that says how to make them.

    without: values of the first key that get no row (a radius of 0, say, where it stands in every row as well).
    """
    records = [record for record in reference(chapter, profile) if set(keys) <= set(record.point) | {"seed"}]
    records = [record for record in records if record.setting[keys[0]] not in without]
    return grid_table(records, keys, metrics) if records else _not_run(chapter, profile)


def _not_run(chapter: str, profile: str) -> Table:
    return Table(f"*Not run yet at profile `{profile}`: `arae run {chapter} --profile {profile}`.*")
