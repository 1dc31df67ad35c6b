"""The committed records of the reference runs, `book/reference/<profile>/records/*.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arae_core.store import reference_dir

from .record import Record, read_all
from .tables import Table, table


def reference(chapter: str, profile: str) -> list[Record]:
    """The chapter's committed records at a profile, one a seed; none where there are none."""
    folder = reference_dir()
    if folder is None:
        return []
    return [record for record in read_all(folder / profile / "records") if record.chapter == chapter]


def reference_table(chapter: str, profile: str, metrics: Sequence[str], **choices: Any) -> Table:
    """Their table (see `table`), or a line that says how to make it."""
    records = reference(chapter, profile)
    if not records:
        return Table(f"*Not run yet at profile `{profile}`: `arae run {chapter} --profile {profile}`.*")
    return table(records, metrics, **choices)
