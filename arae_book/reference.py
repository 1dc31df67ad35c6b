"""`arae reference`: makes the reference runs that are missing and collects what they leave into `book/reference/`.

Of each run first the long training, without a notebook and in a process of its own; then the notebook, which finds
those models, into the run's folder in the store; then what is to be kept is copied. A command that was stopped goes on
with the same words, and a run whose folder is whole already, whoever made it, is collected as it is.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .chapters import Refused
from .reference_runs import ReferenceRun, reference_runs
from .runs import RunFailed, alone, environment, writable
from .runs import run as execute
from .train import file_name, training_cells

if TYPE_CHECKING:
    from arae_core.results import Record

Say = Callable[[str], object]
GPU = "left for a machine with a GPU"
LARGEST_PICTURE = 300 * 1024  # bytes
_QUALITIES = (90, 75, 60)
_ERROR = "arae: "  # how the command begins the line that says what went wrong


@dataclass(frozen=True)
class Step:
    """A run and what is to be done about it."""

    run: ReferenceRun
    lacks: str  # "": nothing, it is done
    ready: bool  # whether it is made already, and has only to be collected
    left: str  # why it is left out, or ""

    @property
    def wanted(self) -> bool:
        return bool(self.lacks) and not self.left

    def __str__(self) -> str:
        said = [self.lacks, self.left or "made already, to be collected" * self.ready]
        return "; ".join(filter(None, said)) if self.lacks else "done"


def reference(
    root: Path,
    names: Iterable[str],
    profile: str,
    *,
    seeds: Iterable[int] = (),
    only_plan: bool = False,
    say: Say = print,
) -> None:
    """Make and collect those of the profile's runs that are not done, of these chapters and seeds, or of all.

    only_plan: say what is missing or outdated, and stop. Refused as by `reference_runs`, and for a committed record
    that is none; RunFailed, after the others, when a run failed or something of it could not be kept.
    """
    names = list(names)
    steps = plan(reference_runs(root, profile, names, seeds), named=bool(names))
    width = max(len(step.run.title) for step in steps)
    for step in steps:
        say(f"{step.run.title:<{width}}  {step}")
    wanted = [step.run for step in steps if step.wanted]
    done = sum(not step.lacks for step in steps)
    say(f"{done} of {len(steps)} runs are done" + (f", {len(wanted)} to make" if wanted else ""))
    failed = []
    for number, run in enumerate([] if only_plan else wanted, start=1):
        title = f"[{number}/{len(wanted)}] {run.title}"
        say(f"{title}: begins")
        problems = _made(run, say)
        for problem in problems:
            say(f"{title}: failed: {problem}")
        failed += [run.title] if problems else []
    if failed:
        raise RunFailed(
            f"{len(failed)} of {len(wanted)} runs failed: {'; '.join(failed)}; the same command tries those again"
        )


def plan(runs: Sequence[ReferenceRun], *, named: bool) -> list[Step]:
    """A step for each run of one profile. named: whether their chapters were, which overrules the lack of a GPU."""
    from arae_core.results import RecordError

    try:
        missing = {run.name: run.lacks(records(run.kept, broken=False)) for run in runs}
    except RecordError as error:
        raise Refused(str(error)) from error
    without = not named and any(run.needs_gpu and missing[run.name] for run in runs) and not has_gpu()
    steps = []
    for run in runs:
        ready = bool(missing[run.name] and run.complete(records(run.folder)))
        left = GPU if missing[run.name] and not ready and run.needs_gpu and without else ""
        steps.append(Step(run, missing[run.name], ready, left))
    return steps


def has_gpu() -> bool:
    """Whether torch sees one."""
    import torch

    return torch.cuda.is_available()


def records(folder: Path, *, broken: bool = True) -> dict[Path, Record]:
    """The records in a folder's records/. broken: pass over what is none, else RecordError names it."""
    from arae_core.results import Record, RecordError

    found: dict[Path, Record] = {}
    for path in sorted((folder / "records").glob("*.json")):
        try:
            found[path] = Record.read(path)
        except RecordError:  # half a file, or of another version of the package
            if not broken:
                raise
    return found


def _made(run: ReferenceRun, say: Say) -> list[str]:
    """Make the run and collect it; what went wrong, in a line each."""
    try:
        folder = writable(run.folder)
        with alone(folder / ".reference.lock", f"`arae reference` is making {run.title}", "wait for it"):
            whole = bool(run.complete(records(folder)))
            if not whole or not all(_model(run, title).is_file() for title in run.models):
                if why := _trained(run, say):
                    return [why]
            if not whole:
                if lacking := [name for name in ("papermill", "ipykernel") if not find_spec(name)]:
                    say(
                        f"{run.title}: trained; its notebook needs {' and '.join(lacking)}, not installed here. Where "
                        "that is, the same command goes on from here"
                    )
                    return []
                execute(run.chapter, run.settings, folder, title=run.title, own=True)
                if not run.complete(records(folder)):
                    return [f"its notebook left no records of its parameters in {folder / 'records'}"]
            problems = collect(run, say)
            say(f"{run.title}: collected into {run.kept}")
            return problems
    except (RunFailed, Refused, OSError) as error:
        return [" ".join(str(error).split())]


def _trained(run: ReferenceRun, say: Say) -> str:
    """Find or train its models; "" or, in a line, why that failed."""
    if not training_cells(run.chapter, run.settings):
        return ""
    log = run.folder / "train.log"
    say(f"{run.title}: training, see {log}")
    given = {"seed": run.settings.seed, **run.settings.given}
    words = ["train", run.chapter.name, "--profile", run.settings.profile]
    for name, value in given.items():
        words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    words += ["--out", str(run.folder / "models")] if run.models else []
    bars = {"TQDM_DISABLE": "", "TQDM_MININTERVAL": "10"}  # seconds: a line of the log for each
    code = _arae(words, log, environment(run.folder, run.chapter.root) | bars)
    said = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    begins = [number for number, line in enumerate(said) if line.startswith(_ERROR)]
    if code and begins:
        return " ".join(" ".join(said[begins[-1] :]).removeprefix(_ERROR).split())
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"its training {how}; see {log}" if code else ""


def _arae(words: Sequence[str], log: Path, variables: dict[str, str]) -> int:
    """Run `arae WORDS…`, which ends with us, and return its exit code."""
    command = [sys.executable, "-m", "arae_book", *words]
    with (
        open(log, "wb") as file,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=variables
        ) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            process.terminate()  # it saves before it ends
            raise


def collect(run: ReferenceRun, say: Say) -> list[str]:
    """Copy what is to be kept of a finished run; records of the same chapter, profile and seed give way to its own.

    Returns what could not be kept, each in one line. OSError names the path that could not be written.
    """
    from arae_core.store import write_whole

    problems = [*_pictures(run, say), *_models(run)]
    there, new = run.own(records(run.kept)), run.complete(records(run.folder))
    for path, record in new.items():  # last: they are what makes a run done
        write_whole(run.kept / "records" / record.file_name, path.read_bytes())
    for path in there:
        if path.name not in {record.file_name for record in new.values()}:
            path.unlink(missing_ok=True)
    return problems


def _pictures(run: ReferenceRun, say: Say) -> Iterable[str]:
    from arae_core.store import write_whole

    folder = run.kept / "pictures"
    for name in run.pictures:
        sources = sorted((run.folder / "pictures").glob(f"{name}.*"))
        if not sources:
            yield f"{run.title} has drawn no picture {name}"
            continue
        content, ending = _small(sources[0])
        if content is None:
            yield f"{sources[0]} is larger than {LARGEST_PICTURE // 1024} KiB even as WebP: it is not kept"
            continue
        if ending != sources[0].suffix:
            say(
                f"{name} is kept as WebP, since its {sources[0].suffix[1:].upper()} is larger than "
                f"{LARGEST_PICTURE // 1024} KiB: pages that show it must name {name}{ending}"
            )
        write_whole(folder / f"{name}{ending}", content)
        for other in folder.glob(f"{name}.*"):
            if other.suffix != ending:
                other.unlink()


def _small(path: Path) -> tuple[bytes | None, str]:
    """The picture's bytes and ending: as it is, else as WebP; None if it is too large all the same."""
    from PIL import Image

    content = path.read_bytes()
    if len(content) < LARGEST_PICTURE:
        return content, path.suffix
    with Image.open(path) as image:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "WEBP", quality=quality, method=6)
            if buffer.tell() < LARGEST_PICTURE:
                return buffer.getvalue(), ".webp"
    return None, ".webp"


def _models(run: ReferenceRun) -> Iterable[str]:
    from arae_core.store import write_whole

    for title, name in run.models.items():
        source, target = _model(run, title), run.kept / "models" / f"{name}.safetensors"
        if not source.is_file():
            yield f"{run.title} has left no model {title!r} in {source.parent}"
        elif not target.is_file() or target.read_bytes() != source.read_bytes():
            write_whole(target, source.read_bytes())


def _model(run: ReferenceRun, title: str) -> Path:
    """Where `arae train --out` leaves the model of that title."""
    return run.folder / "models" / file_name(title)
