"""`arae sweep`: a run at every combination of the values that `-p KEY V1,V2,…` lists, and one table and figure of all.

All is checked before one runs. Only what is missing runs, so a sweep that was stopped, or lost a point, goes on with
the same command. A list is split at the commas outside brackets and quotes (YAML's own flow sequence), and each item
is then what `arae run -p KEY ITEM` takes. A point's folder is named after its values: `eps=0.5,seed=1`. A value that
such a name cannot hold, or not exactly, ends in a digest: `layers=conv1_conv2~6f1d2a07`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from arae_core.store import write_whole

from . import cluster, runs
from .chapters import Chapter, Refused
from .profiles import Pairs, Settings, asked
from .runs import RunFailed, Say

if TYPE_CHECKING:  # torch comes with these
    from arae_core.figures import Picture
    from arae_core.results import Record

SEED = "seed"  # the one setting that table and curves average over
PANELS, LINES = 6, 8  # of a figure: more cannot be told apart
_LONGEST_VALUE, _LONGEST_NAME = 32, 120  # of a file name's 255 bytes
_ODD = re.compile(r"[^A-Za-z0-9.+=_-]+")


@dataclass(frozen=True)
class Point:
    """One combination of values. A process elsewhere can take it too: paths are absolute, the rest plain."""

    chapter: Chapter
    values: dict[str, Any]
    settings: Settings  # these and the profile's
    folder: Path
    source: str  # `runs.source_digest` when the sweep began

    @property
    def name(self) -> str:
        return self.folder.name


def sweep(
    chapter: Chapter, profile: str, lists: Pairs, out: Path, jobs: int | None, scheduler: str | None, say: Say
) -> Path:
    """Run the points that are not done, here or on the cluster, and return out/sweep.md.

    jobs: how many at once here, see `cluster.here`. scheduler: address of a Dask scheduler whose workers share `out`
    and the book's folder. Refused, before anything runs: what `grid` refuses, a scheduler that does not answer or has
    no fitting worker, an `out` that cannot be written or that another sweep writes. RunFailed: the scheduler was lost,
    or points failed, which does not keep the others from running.
    """
    out = out.expanduser().absolute()
    points = grid(chapter, profile, lists, out)
    with ExitStack() as held:
        client = held.enter_context(cluster.connected(scheduler)) if scheduler is not None else None
        runs.writable(out)
        busy = f"sweep is writing {out}: wait for it, or name another --out"
        held.enter_context(runs.alone(out / ".sweep.lock", busy))
        missing = [point for point in points if not runs.is_current(point.folder, chapter, point.settings)]
        done = len(points) - len(missing)
        outdated = sum((point.folder / f"{chapter.name}.ipynb").is_file() for point in missing)
        again = f"; {outdated} made from another notebook, package or library run again" if outdated else ""
        say(f"{len(points)} points" + (f", {done} of them done already" if done else "") + again)
        failed: dict[str, str] = {}
        if missing:
            client = client or held.enter_context(cluster.here(len(missing), jobs))
            outcomes = cluster.run(client, missing, out, say, scheduler is None)
            held.enter_context(closing(outcomes))  # by Ctrl-C too: what runs is stopped
            for ended, (point, why) in enumerate(outcomes, start=done + 1):
                failed |= {point.name: why} if why else {}
                minutes, seconds = divmod(round(runs.manifest_of(point.folder).get("seconds", 0)), 60)
                how = f"failed: {why}" if why else f"done in {minutes}:{seconds:02}"
                say(f"{point.name}: {how} [{ended}/{len(points)}]")
        merged = merge(chapter, profile, points, failed, out)
    said = f"{len(points) - len(failed)} of {len(points)} points are in {out}"
    if failed:
        raise RunFailed(f"{said}; the same command tries those again that failed: {' '.join(failed)}")
    say(said)
    return merged


def grid(chapter: Chapter, profile: str, lists: Pairs, out: Path) -> list[Point]:
    """The points in the order of the lists, the last one varying fastest; nothing is written.

    Refused: no list, an empty one or an empty item, the same parameter or the same value (1 and 1.0) twice, and all
    that `profiles.asked` refuses.
    """
    at = partial(asked, chapter.name, profile, root=chapter.root)
    known = at().literals()
    axes: dict[str, list[str]] = {}
    for key, text in lists:
        if key in axes:
            raise Refused(f"-p {key} is given twice: write all its values in one list")
        axes[key] = _split(key, text, plain=isinstance(known.get(key), str))
        values = [at([(key, item)]).literals()[key] for item in axes[key]]
        for (one, value), (other, again) in itertools.combinations(zip(axes[key], values), 2):
            if value == again:
                raise Refused(f"-p {key} has the same value twice: {one} and {other}")
    if not axes:
        raise Refused(f"nothing to sweep: give {chapter.name} at least one list of values, -p KEY V1,V2,…")
    source = runs.source_digest(chapter)
    points = []
    for items in itertools.product(*axes.values()):
        settings = at(zip(axes, items))
        chosen = {key: settings.literals()[key] for key in axes}
        points.append(Point(chapter, chosen, settings, out / folder_name(chosen), source))
    return points


def folder_name(values: dict[str, Any]) -> str:
    """A name for these values, whatever the order of the parameters: letters, digits and `.+=_-,~` only."""
    name = ",".join(f"{key}={_shown(values[key])}" for key in sorted(values))
    return name if len(name) <= _LONGEST_NAME else _shortened(name, values, _LONGEST_NAME)


def _split(key: str, text: str, *, plain: bool) -> list[str]:
    """The items as they stand in the text; of plain text, without the quotes around them."""
    try:
        nodes = yaml.compose(f"[{text}]").value
    except yaml.YAMLError as error:
        why = getattr(error, "problem", None) or str(error)
        how = "close brackets and quotes, leave no item empty, and put quotes around an item with odd signs"
        raise Refused(f"-p {key} {text!r} is no list of values ({why}): {how}") from error
    if not nodes or text.rstrip().endswith(","):
        raise Refused(f"-p {key} {text!r} has {'an empty item' if nodes else 'no values'}")
    if plain and all(isinstance(node, yaml.ScalarNode) for node in nodes):
        return [node.value for node in nodes]
    return [text[node.start_mark.index - 1 : node.end_mark.index - 1].strip() for node in nodes]


def _shown(value: Any) -> str:
    exact = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, float):
        exact = exact.removesuffix(".0")  # 1 and 1.0 are one point
    readable = "_".join(map(str, value)) if isinstance(value, list) else exact
    safe = _ODD.sub("_", readable)
    return safe if safe == exact and len(safe) <= _LONGEST_VALUE else _shortened(safe, value, _LONGEST_VALUE)


def _shortened(text: str, exactly: Any, length: int) -> str:
    digest = hashlib.sha256(json.dumps(exactly, sort_keys=True).encode()).hexdigest()[:8]
    return f"{text[: length - 9].rstrip('_,')}~{digest}"


def merge(chapter: Chapter, profile: str, points: list[Point], failed: Mapping[str, str], out: Path) -> Path:
    """Write the three files into out, each whole or as it was; return the table's path.

    All are drawn from the records that the points left; a run that writes several, with a `point` each, adds a row
    each. failed: the points that are not there, with the reason. Raises RunFailed if their records cannot be read, or
    if those of one setting differ in more than their seed.
    """
    from arae_core.results import read_all

    there = [point for point in points if point.name not in failed]
    swept = {key: dict.fromkeys(_text(point.values[key]) for point in points) for key in points[0].values}
    lists = "; ".join(f"{key} = {' | '.join(values)}" for key, values in swept.items())
    lines = [f"# Sweep of {chapter.name}, profile {profile}"]
    lines += [f"{len(there)} of {len(points)} points: `{lists}`."]
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

    keys = dict.fromkeys(itertools.chain(swept, *(record.point for record in records)))
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
        at = [json.dumps(v) if isinstance(v, list | bool) else v for v in map(record.setting.get, settings)]
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
    places = dict.fromkeys(place for *_, place in found)
    at = sorted(places) if axis else list(places)

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
