"""`book/reference/runs.yaml`: the reference runs, which of them are committed, and which are missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from arae_core.store import store_dir

from .chapters import Chapter, Refused, find_chapter, nearest
from .parameters import defaults, settings

if TYPE_CHECKING:  # torch comes with it
    from arae_core.results import Record

REFERENCE = Path("book/reference")
FILE = REFERENCE / "runs.yaml"
_ENTRY = {"chapter", "seeds", "parameters", "needs", "pictures", "models"}


@dataclass(frozen=True)
class ReferenceRun:
    """One chapter at one profile and seed."""

    chapter: Chapter
    profile: str
    seed: int
    given: dict[str, Any]  # beyond the profile and the seed
    settings: dict[str, Any]  # what papermill sets, the seed with it
    first: bool  # of the seeds of its entry: pictures, models and costs are kept of it alone
    needs_gpu: bool
    pictures: tuple[str, ...]  # without their ending
    models: dict[str, str]  # a model's title to the name under which it is kept
    points: tuple[dict[str, Any], ...]  # of its records; {} is the whole run's

    @property
    def name(self) -> str:
        return f"{self.chapter.name}-seed{self.seed}"

    @property
    def title(self) -> str:
        its = ", ".join(f"{name} {json.dumps(value)}" for name, value in self.given.items())
        return f"{self.chapter.name} seed {self.seed}" + (f" ({its})" if its else "")

    @property
    def folder(self) -> Path:
        """Where it is made, before it is collected."""
        return store_dir() / "reference" / self.profile / self.name

    @property
    def kept(self) -> Path:
        """Where it is committed: the profile's records/, pictures/ and models/."""
        return self.chapter.root / REFERENCE / self.profile

    @property
    def words(self) -> list[str]:
        """What follows `arae run` or `arae train` for it."""
        its = {"seed": self.seed, **self.given}
        return [self.chapter.name, "--profile", self.profile,
                *(word for name, value in its.items() for word in ("-p", name, _text(value)))]

    def changed(self, record: Record) -> list[str]:
        """The parameters in which the record differs from this run."""
        from arae_core.results import literals

        ours = json.loads(json.dumps(literals({**defaults(self.chapter), **self.settings})))
        return sorted(n for n in ours.keys() | record.parameters.keys() if ours.get(n) != record.parameters.get(n))

    def own(self, records: Iterable[Record]) -> list[Record]:
        """Those of this chapter, profile and seed, of whatever parameters."""
        mine = (self.chapter.name, self.profile, self.seed)
        return [record for record in records if (record.chapter, record.profile, record.seed) == mine]

    def lacks(self, committed: Iterable[Record]) -> str:
        """"" for a run that is done, else in a few words what it lacks. committed: the profile's records."""
        records = self.own(committed)
        if not records:
            return "missing"
        if outdated := {name for record in records for name in self.changed(record)}:
            return f"outdated: {', '.join(sorted(outdated))}"
        absent = [point for point in self.points if point not in [record.point for record in records]]
        if absent:
            return f"{len(absent)} of {len(self.points)} records missing"
        lost = [name for name in self.pictures if not list((self.kept / "pictures").glob(f"{name}.*"))]
        lost += [name for name in self.models.values() if not (self.kept / "models" / f"{name}.safetensors").is_file()]
        return f"missing: {', '.join(lost)}" if lost else ""


def reference_runs(root: Path, profile: str, names: Iterable[str] = (),
                   seeds: Iterable[int] = ()) -> list[ReferenceRun]:
    """The profile's runs in the file's order, all of it checked; only those of these chapters and seeds, if any.

    Refused: a file that does not say what it should, an unknown profile, chapter, parameter or seed.
    """
    content = _read(root / FILE)
    profiles, points = content["profiles"], content["points"]
    if profile not in profiles:
        raise Refused(f"{FILE} has no profile {profile!r}{nearest(profile, profiles)}")
    runs = [run for entry in profiles[profile] for run in _runs(root, profile, entry, points)]
    twice = [run.name for number, run in enumerate(runs) if run.name in {its.name for its in runs[:number]}]
    if twice:
        raise Refused(f"{FILE}: {profile} has {twice[0]} twice")
    for what, wanted, there in (("chapter", list(names), list(dict.fromkeys(run.chapter.name for run in runs))),
                                ("seed", list(map(str, seeds)), sorted({str(run.seed) for run in runs}))):
        if unknown := [its for its in wanted if its not in there]:
            raise Refused(f"{FILE} has no run of {what} {unknown[0]} at profile {profile}{nearest(unknown[0], there)}")
    names, seeds = set(names), set(seeds)
    return [run for run in runs if (not names or run.chapter.name in names) and (not seeds or run.seed in seeds)]


def committed_records(root: Path, profile: str) -> list[Record]:
    """The records of a profile as they are committed. Refused, with the path, for what is no record."""
    from arae_core.results import RecordError, read_all

    try:
        return read_all(root / REFERENCE / profile / "records")
    except RecordError as error:
        raise Refused(str(error)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{path}, the list of reference runs, cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise Refused(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not isinstance(content.get("profiles"), dict):
        raise Refused(f"{path} must hold `profiles:`, and under each profile's name a list of runs")
    return {"points": {}, **content}


def _runs(root: Path, profile: str, entry: Any, points: Mapping[str, Mapping[str, str]]) -> Iterable[ReferenceRun]:
    if not isinstance(entry, dict) or not {"chapter", "seeds"} <= entry.keys() <= _ENTRY:
        raise Refused(f"{FILE}: a run has chapter and seeds, and may have {', '.join(sorted(_ENTRY))}; not {entry}")
    seeds, given = entry["seeds"], entry.get("parameters", {})
    pictures, models, needs = entry.get("pictures", []), entry.get("models", {}), entry.get("needs")
    if not isinstance(seeds, list) or not seeds or any(type(seed) is not int for seed in seeds):
        raise Refused(f"{FILE}: seeds of {entry['chapter']} is a list of whole numbers, not {seeds!r}")
    if not (isinstance(given, dict) and isinstance(pictures, list) and isinstance(models, dict)
            and needs in (None, "gpu")):
        raise Refused(f"{FILE}: of {entry['chapter']}, parameters and models are mappings, pictures a list, and needs "
                      "is gpu")
    try:
        chapter = find_chapter(root, str(entry["chapter"]))
        for number, seed in enumerate(seeds):
            its = settings(chapter, profile, [(str(name), _text(value)) for name, value in
                                              {**given, "seed": seed}.items()])
            yield ReferenceRun(chapter, profile, seed, given, its, number == 0, needs == "gpu",
                               () if number else tuple(pictures), {} if number else models,
                               ({}, *_points(points.get(chapter.name, {}), {**defaults(chapter), **its})))
    except Refused as error:
        raise Refused(f"{FILE}: {error}") from error


def _points(of: Mapping[str, str], parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for key, name in of.items():
        if not isinstance(parameters.get(name), list):
            raise Refused(f"points: {key} is to run over {name!r}, which is no list among the parameters")
        yield from ({key: value} for value in parameters[name])


def _text(value: Any) -> str:
    """As a command line has it."""
    return value if isinstance(value, str) else json.dumps(value)
