"""`arae reference`: makes the runs of `book/reference/runs.yaml` that are missing, and collects what they leave there.

Of each run first the long training, without a notebook and in a process of its own; then the notebook, which finds
those models, into the run's folder in the store; then what is to be kept is copied. A command that was stopped goes on
with the same words, and a run whose folder is whole already, whoever made it, is collected as it is.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arae_core.store import store_dir, write_whole

from . import runs
from .chapters import Chapter, Refused, find_chapter, nearest
from .profiles import Settings, read_yaml, settings
from .runs import RunFailed, Say
from .train import file_name, training_cells

if TYPE_CHECKING:  # torch comes with it
    from arae_core.results import Record

REFERENCE = Path("book/reference")
FILE = REFERENCE / "runs.yaml"
LARGEST_PICTURE = 300 * 1024  # bytes
_ENTRY = {
    "chapter": "",
    "seeds": [],
    "parameters": {},
    "needs": "",
    "pictures": [],
    "models": {},
}  # of the file
_QUALITY = 75  # of a larger one, as WebP
_PATIENCE = 60  # seconds that a training has to save and end


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
    def title(self) -> str:
        given = ", ".join(f"{name} {json.dumps(value)}" for name, value in self.settings.given.items())
        return f"{self.chapter.name} seed {self.settings.seed}" + (f" ({given})" if given else "")

    @property
    def folder(self) -> Path:
        """Where it is made, before it is collected."""
        name = f"{self.chapter.name}-seed{self.settings.seed}"
        return store_dir() / "reference" / self.settings.profile / name

    @property
    def kept(self) -> Path:
        """Where it is committed: the profile's records/, pictures/ and models/."""
        return self.chapter.root / REFERENCE / self.settings.profile

    def made_models(self) -> dict[str, Path]:
        """By title, where `arae train --out` leaves those that are kept."""
        return {title: self.folder / "models" / file_name(title) for title in self.models}

    def records(self, folder: Path, *, broken: bool = True) -> dict[Path, Record]:
        """Those in a folder's records/ of this chapter, profile and seed, of whatever parameters. broken: pass over a file
        that is none (half of one, or of another version of the package), else it is Refused."""
        from arae_core.results import Record, RecordError

        found, own = {}, (self.chapter.name, self.settings.profile, self.settings.seed)
        for path in sorted((folder / "records").glob("*.json")):
            try:
                found[path] = Record.read(path)
            except RecordError as error:
                if not broken:
                    raise Refused(str(error)) from error
        return {path: r for path, r in found.items() if (r.chapter, r.profile, r.seed) == own}

    def complete(self) -> dict[Path, Record]:
        """The records in its folder of exactly its parameters, if there is one for each of its points; else none."""
        own = self.records(self.folder)
        found = {path: r for path, r in own.items() if not self.settings.differs(r.parameters)}
        points = [record.point for record in found.values()]
        return found if all(point in points for point in self.points) else {}

    def lacks(self) -> str:
        """ "" for a run that is committed, else in a few words what it lacks. Refused: a record that is none."""
        found = self.records(self.kept, broken=False).values()
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


def reference_runs(
    root: Path, profile: str, names: Iterable[str] = (), seeds: Iterable[int] = ()
) -> list[ReferenceRun]:
    """The profile's runs in the file's order, all of it checked; only those of these chapters and seeds, if any.

    Refused: a file that does not say what it should, an unknown profile, chapter, parameter or seed.
    """
    content = read_yaml(root / FILE)
    if not isinstance(content, dict) or not isinstance(profiles := content.get("profiles"), dict):
        raise Refused(f"{root / FILE} must hold `profiles:`, and under each profile's name a list of runs")
    if profile not in profiles:
        raise Refused(f"{FILE} has no profile {profile!r}{nearest(profile, profiles)}")
    try:
        points = content.get("points", {})
        listed = [run for entry in profiles[profile] for run in _runs(root, profile, entry, points)]
    except Refused as error:
        raise Refused(f"{FILE}: {error}") from error
    folders = [run.folder for run in listed]
    if twice := [run.title for run in listed if folders.count(run.folder) > 1]:
        raise Refused(f"{FILE}: {profile} has {twice[0]} twice")
    for what, wanted, of in (
        ("chapter", list(names), lambda run: run.chapter.name),
        ("seed", list(map(str, seeds)), lambda run: str(run.settings.seed)),
    ):
        there = list(dict.fromkeys(map(of, listed)))
        if strange := [each for each in wanted if each not in there]:
            where = f"{what} {strange[0]} at profile {profile}"
            raise Refused(f"{FILE} has no run of {where}{nearest(strange[0], there)}")
        listed = [run for run in listed if not wanted or of(run) in wanted]
    return listed


def _runs(root: Path, profile: str, entry: Any, points: dict[str, Any]) -> Iterator[ReferenceRun]:
    if not isinstance(entry, dict) or not entry.get("chapter") or not entry.get("seeds"):
        raise Refused(f"a run has a chapter and seeds, not {entry}")
    for name, value in entry.items():
        if type(value) is not type(_ENTRY.get(name)) or name == "needs" and value != "gpu":
            raise Refused(f"{name} of {entry['chapter']} cannot be {value!r}; a run is like {_ENTRY}")
    said = _ENTRY | entry
    chapter, kept = find_chapter(root, said["chapter"]), (tuple(said["pictures"]), said["models"])
    for seed in said["seeds"]:
        p = settings(chapter.name, profile, seed=seed, given=said["parameters"], root=root)
        its_points = tuple(_points(points.get(chapter.name, [{}]), p))
        yield ReferenceRun(chapter, p, said["needs"] == "gpu", *kept, its_points)
        kept = ((), {})


def _points(of: list[dict[str, str]], p: Settings) -> Iterator[dict[str, Any]]:
    """The points over which a chapter records: {} for the whole run, or one a value of the list that it names."""
    yield from ({} for point in of if not point)
    for key, name in (item for point in of for item in point.items()):
        if name not in p or not isinstance(getattr(p, name), list):
            raise Refused(f"points: {key} is to run over {name!r}, which is no list among the parameters")
        yield from ({key: value} for value in getattr(p, name))


def reference(
    root: Path, names: Iterable[str], profile: str, *, seeds: Iterable[int], only_plan: bool, say: Say
) -> None:
    """Make and collect those of the profile's runs that are not done, of these chapters and seeds, or of all.

    only_plan: say what is missing or outdated, and stop. Refused as by `reference_runs`, and for a committed record
    that is none; RunFailed, after the others, when a run failed or something of it could not be kept.
    """
    listed = reference_runs(root, profile, names := list(names), seeds)
    import torch  # a second that a refusal need not wait for

    lacks, width = [run.lacks() for run in listed], max((len(run.title) for run in listed), default=0)
    wanted, failed = [], []
    for run, lack in zip(listed, lacks):
        state = lack or "done"
        if lack and run.complete():
            state += "; made already, to be collected"
        elif lack and run.needs_gpu and not names and not torch.cuda.is_available():
            state, lack = f"{lack}; left for a machine with a GPU", ""
        wanted += [run] if lack else []
        say(f"{run.title:<{width}}  {state}")
    say(f"{lacks.count('')} of {len(listed)} runs are done" + (f", {len(wanted)} to make" if wanted else ""))
    for number, run in enumerate([] if only_plan else wanted, start=1):
        title = f"[{number}/{len(wanted)}] {run.title}"
        say(f"{title}: begins")
        problems = _made(run, say)
        for problem in problems:
            say(f"{title}: failed: {problem}")
        failed += [run.title] if problems else []
    if failed:
        what = f"{len(failed)} of {len(wanted)} runs failed: {'; '.join(failed)}"
        raise RunFailed(f"{what}; the same command tries those again")


def _made(run: ReferenceRun, say: Say) -> list[str]:
    """Make the run and collect it; what went wrong, in a line each."""
    try:
        folder = runs.writable(run.folder)
        with runs.alone(folder / ".reference.lock", f"`arae reference` makes {run.title}: wait for it"):
            whole = run.complete()
            if not whole or not all(path.is_file() for path in run.made_models().values()):
                _train(run, say)
            if not whole:
                runs.run(run.chapter, run.settings, folder, title=run.title, own=True)
                if not run.complete():
                    return [f"its notebook left no records of its parameters in {folder / 'records'}"]
            problems = collect(run, say)
            say(f"{run.title}: collected into {run.kept}")
            return problems
    except (RunFailed, Refused, OSError) as error:
        return [" ".join(str(error).split())]


def _train(run: ReferenceRun, say: Say) -> None:
    """Find or train its models, by `arae train` in a process that ends with us. RunFailed, with its last words."""
    if not training_cells(run.chapter, run.settings):
        return
    log = run.folder / "train.log"
    say(f"{run.title}: training, see {log}")
    words = [*"-m arae_book train".split(), run.chapter.name, "--profile", run.settings.profile]
    for name, value in {"seed": run.settings.seed, **run.settings.given}.items():
        words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    words += ["--out", str(run.folder / "models")] if run.models else []
    bars = {"TQDM_DISABLE": "", "TQDM_MININTERVAL": "10"}  # seconds: a line of the log for each
    how = {"env": runs.environment(run.folder, run.chapter.root) | bars, "start_new_session": True}
    with open(log, "wb") as file:  # in a session of its own: Ctrl-C is for us, who pass it on
        process = subprocess.Popen([sys.executable, *words], stdout=file, stderr=file, **how)
    try:
        process.wait()
    except BaseException:
        process.terminate()
        process.wait(_PATIENCE)
        raise
    if process.returncode:
        _, found, said = log.read_text("utf-8", errors="replace").rpartition("arae: ")
        raise RunFailed(said if found else f"its training ended with {process.returncode}; see {log}")


def collect(run: ReferenceRun, say: Say) -> list[str]:
    """Copy what is to be kept of a finished run; records of the same chapter, profile and seed give way to its own.

    Returns what could not be kept, each in one line. OSError names the path that could not be written.
    """
    problems = [problem for name in run.pictures if (problem := _picture(run, name, say))]
    for title, source in run.made_models().items():
        target = run.kept / "models" / f"{run.models[title]}.safetensors"
        if not source.is_file():
            problems.append(f"{run.title} has left no model {title!r} in {source.parent}")
        elif not target.is_file() or target.read_bytes() != source.read_bytes():
            write_whole(target, source.read_bytes())
    there, new = run.records(run.kept), run.complete()
    ours = {run.kept / "records" / record.file_name: path for path, record in new.items()}
    for target, path in ours.items():  # last: they are what makes a run done
        write_whole(target, path.read_bytes())
    for path in there.keys() - ours.keys():
        path.unlink()
    return problems


def _picture(run: ReferenceRun, name: str, say: Say) -> str:
    """Keep a picture, as WebP if it is large; "" or why it is not kept."""
    from PIL import Image

    sources, folder = sorted((run.folder / "pictures").glob(f"{name}.*")), run.kept / "pictures"
    if not sources:
        return f"{run.title} has drawn no picture {name}"
    content, target = sources[0].read_bytes(), folder / sources[0].name
    if len(content) > LARGEST_PICTURE:
        buffer, target = io.BytesIO(), folder / f"{name}.webp"
        Image.open(sources[0]).convert("RGB").save(buffer, "WEBP", quality=_QUALITY, method=6)
        content = buffer.getvalue()
        large = f"larger than {LARGEST_PICTURE // 1024} KiB"
        if len(content) > LARGEST_PICTURE:
            return f"{sources[0]} is {large} even as WebP: it is not kept"
        say(f"{name} is kept as WebP, since it is {large}: pages that show it must name {target.name}")
    write_whole(target, content)
    for former in folder.glob(f"{name}.*"):
        if former != target:
            former.unlink()
    return ""
