"""One JSON a run: what was run, on what, and what came out. Every number on a page is read from one.

    record = Record.of_run("inversion", parameters=p.literals(), data=test, seed=p.seed, started=started)
    record.add("psnr/robust/pixel+feature", psnr_values)     # a number an image
    record.leave_out("lpips", reason)                        # what could not be measured, and why
    record.write(out_dir("inversion") / "records")

One seed and one radius a record; spread over seeds comes from several records (`by_seed`). A chapter that
compares several radii within one run writes a record for each, and says which in `point`.

What two methods differ by on the same images is known better than either's mean: images that are hard for one
are hard for the other. So a record keeps the differences too, in `pairs`, of what was added image by image.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from arae_core.data.images import Images
from arae_core.metrics import summarise
from arae_core.store import write_whole

from .machine import code_state, describe_device, installed_versions

EXTENT = {"layers", "loss_sets", "fast_methods"}  # parameters that say what is measured, not how
METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*(/[\w.+=-]+){1,2}")  # <metric>/<encoder>[/<condition>]


class RecordError(ValueError):
    """A record that cannot be read or written, or a name or value that does not belong in one."""


@dataclass
class Record:
    """One run of one chapter. `metrics`: "<metric>/<encoder>/<condition>" to {"value", "std", "n"};
    `left_out`: a metric's first name to the reason why it was not measured; `pairs`: "<left> - <right>" to
    {"value", "std", "n"} of left minus right, image by image, for any two measures of one metric and condition.
    Of values that come in clusters (`summarise`), both have "error" and "clusters" too."""

    chapter: str
    profile: str
    data: dict[str, str]  # name, digest, notes
    seed: int
    parameters: dict[str, Any]
    seconds: float
    device: str
    versions: dict[str, str]
    commit: str | None  # None: not run from a checkout
    dirty: bool | None  # whether tracked files differed from that commit
    created: str  # UTC, ISO 8601
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    point: dict[str, Any] = field(default_factory=dict)  # which of one run's records: {"eps": 0.5}
    pairs: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self):
        self._values: dict[str, Tensor] = {}  # one number an image, for `pairs`; they are not written
        self._clusters: Tensor | None = None

    @classmethod
    def of_run(
        cls,
        chapter: str,
        *,
        parameters: Mapping[str, Any],
        data: Images,
        seed: int,
        started: float,
        device: torch.device | str = "cpu",
        point: Mapping[str, Any] | None = None,
    ) -> "Record":
        """The record of the run that began at `started` (`time.time()`), still without metrics.

        parameters: the chapter's, as literals, "profile" among them ("default" if absent). data: the set that
        was measured on. point: which of the run's several records this is. Raises RecordError if a parameter
        is no JSON value.
        """
        try:
            known, at = json.loads(json.dumps([dict(parameters), dict(point or {})], allow_nan=False))
        except (TypeError, ValueError) as error:
            raise RecordError(f"parameters must be literals (numbers, texts, lists): {error}") from error
        lost = len(getattr(data, "skipped", ()))
        notes = "; ".join(filter(None, [data.notes, f"{lost} unreadable images left out" if lost else ""]))
        about = {"name": data.name, "digest": data.digest, "notes": notes}
        profile, seconds = known.get("profile", "default"), round(time.time() - started, 1)
        place = describe_device(device, known.get("precision", "fp32"))
        now, versions = datetime.now(timezone.utc).isoformat(timespec="seconds"), installed_versions()
        run = chapter, profile, about, seed, known, seconds, place, versions
        record = cls(*run, *code_state(), now, point=at)
        record._clusters = getattr(data, "labels", None) if data.name == "photos" else None
        return record

    @property
    def setting(self) -> dict[str, Any]:
        """The run's parameters, and over them the point that this record is of."""
        return {**self.parameters, **self.point}

    @property
    def data_said(self) -> str:
        """The data's name, with what has to be said of them."""
        return self.data["name"] + (f" ({self.data['notes']})" if self.data["notes"] else "")

    def pair(self, left: str, right: str) -> dict[str, float] | None:
        """Left minus right, image by image, if that is known."""
        turned = self.pairs.get(f"{right} - {left}")
        return {**turned, "value": -turned["value"]} if turned else self.pairs.get(f"{left} - {right}")

    def add(self, name: str, values: Tensor | float, clusters: Tensor | None = None) -> None:
        """Record a measure: (N,) values, one an image, or a single number (std 0, n 1).

        clusters: as of `summarise`; without them, of as many values as the data has crops, the photographs that they show.

        Measures of one metric and one condition (none is a condition too) are of the same N images in the same
        order: their differences go into `pairs`, without those that are NaN on either side. Where the counts of
        images differ, the condition does not name one set of images, and none of its measures is paired.
        Raises RecordError for another form of name, one that is there already, and a mean that is not finite.
        """
        if not METRIC_NAME.fullmatch(name):
            raise RecordError(f"a measure is named <metric>/<encoder>/<condition>, not {name!r}")
        if name in self.metrics:
            raise RecordError(f"{name} is recorded already")
        values = values if isinstance(values, Tensor) else torch.tensor([values], dtype=torch.float64)
        if clusters is None and self._clusters is not None and len(self._clusters) == values.numel():
            clusters = self._clusters
        summary = summarise(values, clusters)
        if not all(isfinite(number) for number in summary.values()):
            raise RecordError(f"{name} is not finite: {summary}")
        self.metrics[name] = summary
        if values.numel() < 2:
            return
        self._values[name] = values.detach().flatten().to("cpu", torch.float64)
        shared = name.split("/")[::2]  # metric and condition, or the metric alone where there is no condition
        alike = [other for other in self._values if other.split("/")[::2] == shared]
        if len({len(self._values[other]) for other in alike}) > 1:
            for left, right in combinations(alike, 2):
                self.pairs.pop(f"{left} - {right}", None)
            return
        for other in alike[:-1]:  # the last one is `name`
            difference = self._values[other] - self._values[name]
            if int((~difference.isnan()).sum()) > 1:
                summary = summarise(difference, clusters)
                summary.pop("dropped", None)
                short = {key: float(f"{summary[key]:.6g}") for key in summary if key not in ("n", "clusters")}
                self.pairs[f"{other} - {name}"] = {**summary, **short}

    def leave_out(self, metric: str, reason: str) -> None:
        """Say why a metric ("lpips") was not measured; tables show a dash with this reason."""
        self.left_out[metric] = reason

    @property
    def file_name(self) -> str:
        """`<chapter>-<profile>-seed<seed>-<digest of setting and data>.json`; a rerun replaces its own."""
        own = json.dumps([self.parameters, self.data["digest"], *filter(None, [self.point])], sort_keys=True)
        short = hashlib.sha256(own.encode()).hexdigest()[:8]
        return f"{self.chapter}-{self.profile}-seed{self.seed}-{short}.json"

    def write(self, folder: str | Path) -> Path:
        """Write atomically into folder (made if need be); return the path. OSError names path and cause.

        A pair has one line, since a chapter that compares many methods has hundreds.
        """
        content = asdict(self)
        pairs = content.pop("pairs")
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        if pairs:
            lines = (f"{json.dumps(name)}: {json.dumps(of, allow_nan=False)}" for name, of in pairs.items())
            text = text.removesuffix("\n}") + ',\n "pairs": {\n  ' + ",\n  ".join(lines) + "\n }\n}"
        return write_whole(Path(folder) / self.file_name, text.encode() + b"\n")

    @classmethod
    def read(cls, path: str | Path) -> "Record":
        """Read one. RecordError, with the path, for what is no record; FileNotFoundError for no file."""
        try:
            record = cls(**json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise RecordError(f"{path} is no whole JSON file ({error}): delete it and run again") from error
        except TypeError as error:  # other fields, or none
            raise RecordError(f"{path} is no record: {error}") from error
        parts = {"value", "std", "n"}
        for name, summary in record.metrics.items():
            if not METRIC_NAME.fullmatch(name) or not parts <= set(summary):
                raise RecordError(f"{path}: {name!r} is no measure with value, std and n")
        for names, summary in record.pairs.items():
            measures = names.split(" - ")
            known = set(measures) <= record.metrics.keys() and parts <= set(summary)
            if len(measures) != 2 or not known:
                raise RecordError(f"{path}: {names!r} is no pair of measures with value, std and n")
        return record


def read_all(folder: str | Path) -> list[Record]:
    """Every record of a folder, by file name; an absent folder holds none. Raises as `Record.read`."""
    return [Record.read(path) for path in sorted(Path(folder).glob("*.json"))]


def by_seed(records: Iterable[Record]) -> dict[int, Record]:
    """The records by seed, in order. RecordError if they differ in more than their seed: averaging over
    them would mix different things; the message says in what they differ. How much of a run was measured
    (`EXTENT`) may differ: a table then says for each number how many seeds it has. A parameter that one of them
    lacks is younger than that record, and no difference."""
    found: dict[int, Record] = {}
    for record in sorted(records, key=lambda record: record.seed):
        if record.seed in found:
            raise RecordError(f"two records of {record.chapter} ({record.profile}) with seed {record.seed}")
        found[record.seed] = record
    for other in list(found.values())[1:]:
        first = next(iter(found.values()))
        names = [n for n in ("chapter", "profile") if getattr(first, n) != getattr(other, n)]
        names += ["data"] if first.data["name"] != other.data["name"] else []
        ours, theirs = first.setting, other.setting
        compared = (ours.keys() & theirs.keys()) | first.point.keys() | other.point.keys()
        names += sorted(n for n in compared - EXTENT - {"seed"} if ours.get(n) != theirs.get(n))
        if names:
            said = f"records of seeds {first.seed} and {other.seed} differ in more than their seed: "
            raise RecordError(said + ", ".join(names))
    return found
