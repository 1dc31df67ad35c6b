"""`arae reference`: makes the reference runs that are missing and collects what they leave into `book/reference/`.

Of each run first the long training, without a notebook and in a process of its own; then the notebook, which finds
those models, into the run's folder in the store; then what is to be kept is copied. A command that was stopped goes on
with the same words, and a run whose folder is whole already, whoever made it, is collected as it is.
"""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from arae_core.store import write_whole

from . import runs
from .chapters import Refused
from .reference_runs import ReferenceRun, records, reference_runs
from .runs import RunFailed
from .train import file_name, training_cells

Say = Callable[[str], object]
LARGEST_PICTURE = 300  # KiB
_QUALITIES = (90, 75, 60)
_PATIENCE = 60  # seconds that a training has to save and end
_ERROR = "arae: "  # how the command begins the line that says what went wrong


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
    listed = reference_runs(root, profile, names := list(names), seeds)
    lacks, width = {run.name: run.lacks() for run in listed}, max(len(run.title) for run in listed)
    wanted = []
    for run in listed:
        state = lacks[run.name] or "done"
        if lacks[run.name] and run.complete(records(run.folder)):
            state += "; made already, to be collected"
        elif lacks[run.name] and run.needs_gpu and not names and not has_gpu():
            say(f"{run.title:<{width}}  {state}; left for a machine with a GPU")
            continue
        wanted += [run] if lacks[run.name] else []
        say(f"{run.title:<{width}}  {state}")
    done = f"{sum(not lack for lack in lacks.values())} of {len(listed)} runs are done"
    say(done + (f", {len(wanted)} to make" if wanted else ""))
    failed = []
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


def has_gpu() -> bool:
    """Whether torch sees one."""
    import torch

    return torch.cuda.is_available()


def _made(run: ReferenceRun, say: Say) -> list[str]:
    """Make the run and collect it; what went wrong, in a line each."""
    try:
        folder = runs.writable(run.folder)
        with runs.alone(folder / ".reference.lock", f"`arae reference` is making {run.title}", "wait for it"):
            whole = run.complete(records(folder))
            if not whole or not all(_model(run, title).is_file() for title in run.models):
                _train(run, say)
            if not whole:
                if lacking := [name for name in ("papermill", "ipykernel") if not find_spec(name)]:
                    where = f"its notebook needs {' and '.join(lacking)}, not installed here"
                    say(f"{run.title}: trained; {where}. Where that is, the same command goes on from here")
                    return []
                runs.run(run.chapter, run.settings, folder, title=run.title, own=True)
                if not run.complete(records(folder)):
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
    command = [
        sys.executable,
        "-m",
        "arae_book",
        "train",
        run.chapter.name,
        "--profile",
        run.settings.profile,
    ]
    for name, value in {"seed": run.settings.seed, **run.settings.given}.items():
        command += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    command += ["--out", str(run.folder / "models")] if run.models else []
    bars = {"TQDM_DISABLE": "", "TQDM_MININTERVAL": "10"}  # seconds: a line of the log for each
    variables = runs.environment(run.folder, run.chapter.root) | bars
    with open(log, "wb") as file:  # in a session of its own: Ctrl-C is for us, who pass it on
        process = subprocess.Popen(command, stdout=file, stderr=file, env=variables, start_new_session=True)
    try:
        process.wait()
    except BaseException:
        process.terminate()
        process.wait(_PATIENCE)
        raise
    if process.returncode:
        said = log.read_text("utf-8", errors="replace").rpartition(_ERROR)
        raise RunFailed(said[2] if said[1] else f"its training ended with {process.returncode}; see {log}")


def collect(run: ReferenceRun, say: Say) -> list[str]:
    """Copy what is to be kept of a finished run; records of the same chapter, profile and seed give way to its own.

    Returns what could not be kept, each in one line. OSError names the path that could not be written.
    """
    problems = [problem for name in run.pictures if (problem := _picture(run, name, say))]
    for title, name in run.models.items():
        source, target = _model(run, title), run.kept / "models" / f"{name}.safetensors"
        if not source.is_file():
            problems.append(f"{run.title} has left no model {title!r} in {source.parent}")
        elif not target.is_file() or target.read_bytes() != source.read_bytes():
            write_whole(target, source.read_bytes())
    there, new = run.own(records(run.kept)), run.complete(records(run.folder))
    for path, record in new.items():  # last: they are what makes a run done
        write_whole(run.kept / "records" / record.file_name, path.read_bytes())
    for path in there:
        if path.name not in {record.file_name for record in new.values()}:
            path.unlink(missing_ok=True)
    return problems


def _picture(run: ReferenceRun, name: str, say: Say) -> str:
    """Keep a picture, as WebP if it is large; "" or why it is not kept."""
    sources, folder = sorted((run.folder / "pictures").glob(f"{name}.*")), run.kept / "pictures"
    if not sources:
        return f"{run.title} has drawn no picture {name}"
    content, ending, limit = sources[0].read_bytes(), sources[0].suffix, f"larger than {LARGEST_PICTURE} KiB"
    if len(content) >= LARGEST_PICTURE * 1024:
        sizes = (_webp(sources[0], quality) for quality in _QUALITIES)
        content = next((small for small in sizes if len(small) < LARGEST_PICTURE * 1024), b"")
        if not content:
            return f"{sources[0]} is {limit} even as WebP: it is not kept"
        kind = ending[1:].upper()
        say(f"{name} is kept as WebP, since its {kind} is {limit}: pages that show it must name {name}.webp")
        ending = ".webp"
    write_whole(folder / f"{name}{ending}", content)
    for other in folder.glob(f"{name}.*"):
        if other.suffix != ending:
            other.unlink()
    return ""


def _webp(path: Path, quality: int) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()


def _model(run: ReferenceRun, title: str) -> Path:
    """Where `arae train --out` leaves the model of that title."""
    return run.folder / "models" / file_name(title)
