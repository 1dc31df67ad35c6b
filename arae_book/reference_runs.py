"""`book/reference/runs.yaml`: the reference runs, which of them are committed, and which are missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arae_core.store import store_dir

from .chapters import Chapter, Refused, find_chapter, nearest
from .profiles import Settings, read_yaml, settings

if TYPE_CHECKING:  # torch comes with it
    from arae_core.results import Record

REFERENCE = Path("book/reference")
FILE = REFERENCE / "runs.yaml"
_ENTRY = {"chapter", "seeds", "parameters", "needs", "pictures", "models"}


@dataclass(frozen=True)
class ReferenceRun:
    """One chapter at one profile and seed."""

    chapter: Chapter
    settings: Settings
    needs_gpu: bool
    pictures: tuple[str, ...]  # without their ending; like the models, of the first seed of an entry alone
    models: dict[str, str]  # a model's title to the name under which it is kept
    points: tuple[dict[str, Any], ...]  # of its records; {} is the whole run's

    @property
    def name(self) -> str:
        return f"{self.chapter.name}-seed{self.settings.seed}"

    @property
    def title(self) -> str:
        given = ", ".join(f"{name} {json.dumps(value)}" for name, value in self.settings.given.items())
        return f"{self.chapter.name} seed {self.settings.seed}" + (f" ({given})" if given else "")

    @property
    def folder(self) -> Path:
        """Where it is made, before it is collected."""
        return store_dir() / "reference" / self.settings.profile / self.name

    @property
    def kept(self) -> Path:
        """Where it is committed: the profile's records/, pictures/ and models/."""
        return self.chapter.root / REFERENCE / self.settings.profile

    def own(self, records: Mapping[Path, Record]) -> dict[Path, Record]:
        """Those of this chapter, profile and seed, of whatever parameters."""
        mine = (self.chapter.name, self.settings.profile, self.settings.seed)
        return {path: r for path, r in records.items() if (r.chapter, r.profile, r.seed) == mine}

    def complete(self, records: Mapping[Path, Record]) -> dict[Path, Record]:
        """Those of exactly its parameters, if there is one for each of its points; else none."""
        found = {path: r for path, r in self.own(records).items() if not self.settings.differs(r.parameters)}
        points = [record.point for record in found.values()]
        return found if all(point in points for point in self.points) else {}

    def lacks(self) -> str:
        """ "" for a run that is committed, else in a few words what it lacks. Refused: a record that is none."""
        found = self.own(records(self.kept, broken=False)).values()
        if not found:
            return "missing"
        if outdated := {name for record in found for name in self.settings.differs(record.parameters)}:
            return f"outdated: {', '.join(sorted(outdated))}"
        if absent := [point for point in self.points if point not in [record.point for record in found]]:
            return f"{len(absent)} of {len(self.points)} records missing"
        lost = [name for name in self.pictures if not list(self.kept.glob(f"pictures/{name}.*"))]
        models = {path.stem for path in self.kept.glob("models/*.safetensors")}
        lost += [name for name in self.models.values() if name not in models]
        return f"missing: {', '.join(lost)}" if lost else ""


def records(folder: Path, *, broken: bool = True) -> dict[Path, Record]:
    """The records in a folder's records/. broken: pass over what is none, else Refused, with its path."""
    from arae_core.results import Record, RecordError

    found: dict[Path, Record] = {}
    for path in sorted((folder / "records").glob("*.json")):
        try:
            found[path] = Record.read(path)
        except RecordError as error:  # half a file, or of another version of the package
            if not broken:
                raise Refused(str(error)) from error
    return found


def reference_runs(
    root: Path, profile: str, names: Iterable[str] = (), seeds: Iterable[int] = ()
) -> list[ReferenceRun]:
    """The profile's runs in the file's order, all of it checked; only those of these chapters and seeds, if any.

    Refused: a file that does not say what it should, an unknown profile, chapter, parameter or seed.
    """
    content = read_yaml(root / FILE)
    if not isinstance(content, dict) or not isinstance(profiles := content.get("profiles"), dict):
        raise Refused(f"{root / FILE} must hold `profiles:`, and under each profile's name a list of runs")
    points = content.get("points", {})
    if profile not in profiles:
        raise Refused(f"{FILE} has no profile {profile!r}{nearest(profile, profiles)}")
    runs = [run for entry in profiles[profile] for run in _runs(root, profile, entry, points)]
    titles = [run.name for run in runs]
    if twice := [title for title in titles if titles.count(title) > 1]:
        raise Refused(f"{FILE}: {profile} has {twice[0]} twice")
    for what, wanted, of in (
        ("chapter", list(names), lambda run: run.chapter.name),
        ("seed", list(map(str, seeds)), lambda run: str(run.settings.seed)),
    ):
        there = list(dict.fromkeys(map(of, runs)))
        if strange := [each for each in wanted if each not in there]:
            where = f"{what} {strange[0]} at profile {profile}"
            raise Refused(f"{FILE} has no run of {where}{nearest(strange[0], there)}")
        runs = [run for run in runs if not wanted or of(run) in wanted]
    return runs


def _runs(root: Path, profile: str, entry: Any, points: dict[str, dict[str, str]]) -> Iterator[ReferenceRun]:
    if not isinstance(entry, dict) or not {"chapter", "seeds"} <= entry.keys() <= _ENTRY:
        may = ", ".join(sorted(_ENTRY))
        raise Refused(f"{FILE}: a run has chapter and seeds, and may have {may}; not {entry}")
    seeds, given = entry["seeds"], entry.get("parameters", {})
    pictures, models, needs = entry.get("pictures", []), entry.get("models", {}), entry.get("needs")
    if not isinstance(seeds, list) or not seeds or any(type(seed) is not int for seed in seeds):
        raise Refused(f"{FILE}: seeds of {entry['chapter']} is a list of whole numbers, not {seeds!r}")
    kinds = isinstance(given, dict) and isinstance(pictures, list) and isinstance(models, dict)
    if not kinds or needs not in (None, "gpu"):
        what = "parameters and models are mappings, pictures a list, and needs is gpu"
        raise Refused(f"{FILE}: of {entry['chapter']}, {what}")
    try:
        chapter = find_chapter(root, str(entry["chapter"]))
        for number, seed in enumerate(seeds):
            p = settings(chapter.name, profile, seed=seed, given=given, root=root)
            kept = ((), {}) if number else (tuple(pictures), models)
            of = ({}, *_points(points.get(chapter.name, {}), p))
            yield ReferenceRun(chapter, p, needs == "gpu", *kept, of)
    except Refused as error:
        raise Refused(f"{FILE}: {error}") from error


def _points(of: dict[str, str], p: Settings) -> Iterator[dict[str, Any]]:
    for key, name in of.items():
        if name not in p or not isinstance(getattr(p, name), list):
            raise Refused(f"points: {key} is to run over {name!r}, which is no list among the parameters")
        yield from ({key: value} for value in getattr(p, name))
