"""What a sweep found, in one place: all numbers in `sweep.csv`, a table in `sweep.md`, curves in `sweep.png`.

All are drawn from the records that the points left; a run that writes several, with a `point` each, adds a row each.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arae_core.store import write_whole

from .chapters import Chapter
from .grid import Point
from .runs import RunFailed

if TYPE_CHECKING:  # torch comes with it, and `arae --help` comes through here
    from arae_core.figures import Picture
    from arae_core.results import Record

SEED = "seed"  # the one setting that table and curves average over
PANELS, LINES = 6, 8  # more cannot be told apart


def merge(chapter: Chapter, profile: str, points: list[Point], failed: Mapping[str, str], out: Path) -> Path:
    """Write the three files into out, each whole or as it was; return the table's path.

    failed: the points that are not there, with the reason. Raises RunFailed if their records cannot be read,
    or if those of one setting differ in more than their seed.
    """
    from arae_core.results import read_all

    there = [point for point in points if point.name not in failed]
    swept = {key: dict.fromkeys(_text(point.values[key]) for point in points) for key in points[0].values}
    lists = "; ".join(f"{key} = {' | '.join(values)}" for key, values in swept.items())
    lines = [
        f"# Sweep of {chapter.name}, profile {profile}",
        f"{len(there)} of {len(points)} points: `{lists}`.",
    ]
    if failed:
        lines += ["Not there:", "\n".join(f"- `{name}`: {why}" for name, why in failed.items())]
    try:
        records = [record for point in there for record in read_all(point.folder / "records")]
        lines += _drawn(records, list(swept), out)
    except ValueError as error:  # RecordError is one
        raise RunFailed(f"the sweep's points ran, but what they recorded does not merge: {error}") from error
    return write_whole(out / "sweep.md", "\n\n".join(lines).encode() + b"\n")


def _drawn(records: list[Record], swept: list[str], out: Path) -> list[str]:
    """Write numbers and curves; return what the page says of them, the table first."""
    from arae_core.figures import save_picture
    from arae_core.results import grid_table

    keys = dict.fromkeys(chain(swept, *(record.point for record in records)))
    settings = [key for key in keys if key != SEED]
    write_whole(out / "sweep.csv", as_csv(records, settings).encode())
    if not any(record.metrics for record in records):
        (out / "sweep.png").unlink(missing_ok=True)
        return ["No point recorded a measure."]
    tables = [grid_table(records, settings)]
    along = [key for key in settings if len({_text(record.setting.get(key)) for record in records}) > 1]
    if not along and SEED in swept:  # seeds are all that differs: each has its own row and place, too
        tables.append(grid_table(records, [SEED]))
        along = [SEED]
    picture, left_out = curves(records, along or settings)
    save_picture(picture, out / "sweep.png")
    said = "Mean over seeds; of several seeds, and in at most four lines, with its 95 % interval."
    said += " `sweep.csv` has every number." + left_out
    return [*(table.markdown for table in tables), "![Each measure at each setting](sweep.png)", said]


def as_csv(records: list[Record], settings: list[str]) -> str:
    """A line for each record and measure: the settings, measure, value, std, n and seed."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*settings, "measure", "value", "std", "n", SEED])
    for record in records:
        at = [record.setting.get(key) for key in settings]
        at = [json.dumps(value) if isinstance(value, list | bool) else value for value in at]
        for name, measured in record.metrics.items():
            rows.writerow([*at, name, measured["value"], measured["std"], measured["n"], record.seed])
    return text.getvalue()


def curves(records: list[Record], settings: list[str]) -> tuple[Picture, str]:
    """A panel a metric, a line an encoder and condition; and a sentence on what found no room, if anything.

    They run along the first setting that is a number, and the other settings become part of the lines' names;
    if none is a number, the places are the settings' values.
    """
    from arae_core.figures import sweep_curves
    from arae_core.results import over_seeds
    from arae_core.results.tables import measure

    kinds = {key: {type(record.setting.get(key)) for record in records} for key in settings if key != SEED}
    axis = next((key for key, those in kinds.items() if those <= {int, float}), None)
    others = [key for key in settings if key != axis] if axis else []
    found: dict[tuple[str, str, Any], tuple[str, list[Record]]] = {}
    for record in records:
        here = record.setting
        place = here[axis] if axis else ", ".join(_text(here.get(key)) for key in settings)
        of = [f"{key} = {_text(here.get(key))}" for key in others]
        for name in record.metrics:
            metric, *line = name.split("/")
            found.setdefault((metric, ", ".join(line + of), place), (name, []))[1].append(record)
    lines = list(dict.fromkeys(line for _, line, _ in found))
    metrics = list(dict.fromkeys(metric for metric, line, _ in found if line in lines[:LINES]))
    at = list(dict.fromkeys(place for *_, place in found))
    at = sorted(at) if axis else at

    def band(metric: str, line: str, place: Any) -> tuple[float, ...]:
        name, there = found.get((metric, line, place), ("", []))
        scale = measure(metric).scale
        return tuple(scale * value for value in over_seeds(there, name)) if there else (float("nan"),) * 3

    panels = {
        measure(metric).label: {line: [band(metric, line, place) for place in at] for line in lines[:LINES]}
        for metric in metrics[:PANELS]
    }
    cuts = [("metrics", metrics, PANELS), ("lines", lines, LINES)]
    cut = [f"{most} of {len(every)} {what}" for what, every, most in cuts if len(every) > most]
    picture = sweep_curves(at, panels, xlabel=axis or ", ".join(settings))
    return picture, f" The figure has room for {' and '.join(cut)}." if cut else ""


def _text(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
