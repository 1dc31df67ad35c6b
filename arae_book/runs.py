"""The one engine: a chapter executed at settings into a folder, whole or not there; and whether a folder still holds it.

Papermill writes into its output while it runs, and a traceback when it fails. So the output is a hidden neighbour that
takes the chapter's name at the end; a failed one is kept as `CHAPTER.failed.ipynb`. Last comes `made_from.json`: the
notebook, the settings, the libraries, the modules of ours that the kernel had loaded, the committed files that it
asked for (records, claims, pictures, models). While all these are as they were, the folder is current.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import filelock
import nbformat

import arae_core
from arae_core.store import write_whole

from .chapters import DEFAULT, Chapter, Refused

if TYPE_CHECKING:
    from .profiles import Settings

Say = Callable[[str], object]  # told a line at a time
_UNSET = {"profile": DEFAULT, "seed": 0, "given": {}}  # what a chapter's own cell says
MANIFEST = "made_from.json"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LINES_OF_AN_ERROR = 8
_LIBRARIES = "torch torchvision scikit-image scikit-learn lpips pyautoattack matplotlib ipywidgets".split()
_PACKAGES = Path(arae_core.__file__).parents[1]  # where arae_core and arae_book lie


class RunFailed(RuntimeError):
    """A chapter that began and did not end. `details`: the last lines of its error."""

    def __init__(self, message: str, details: str = ""):
        super().__init__(message)
        self.details = "\n".join(COLOURS.sub("", details).strip().splitlines()[-_LINES_OF_AN_ERROR:])


def run(
    chapter: Chapter,
    settings: Settings,
    out: Path,
    *,
    title: str = "",
    own: bool = False,
    variables: Mapping[str, str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    stream: TextIO | None = None,
    patience: float = 0.0,
) -> Path:
    """Execute the chapter at these settings in its own folder, as nbval does, and return out/CHAPTER.ipynb.

    The chapter writes records/ and pictures/ into out ($ARAE_OUT), which is made. own: out is this run's alone: what is
    current there stays as it is, else what an earlier run left goes first, lest its records be taken for this one's.
    variables: more of the kernel's. stopped: asked again and again; True interrupts the kernel, which is given the time
    to save. stream: where progress is told, standard error by default. patience: seconds to wait for another run that
    writes into out. Refused: out cannot be written, or another run is writing it. RunFailed: the chapter failed, or was
    stopped.
    """
    out = writable(out)
    notebook = out / f"{chapter.name}.ipynb"
    unfinished, failed = out / f".{chapter.name}.unfinished.ipynb", out / f"{chapter.name}.failed.ipynb"
    busy = f"run is writing {notebook}: wait for it, or name another --out"
    with alone(out / f".{chapter.name}.lock", busy, patience):
        if own and is_current(out, chapter, settings):
            return notebook
        try:
            for path in (out / MANIFEST, *((notebook, failed) if own else ())):
                path.unlink(missing_ok=True)
            for name in ("records", "pictures") if own else ():
                shutil.rmtree(out / name, ignore_errors=True)
            started, before = time.time(), _made_from(chapter, settings)
            how = {"env": environment(out, chapter.root) | dict(variables or {}), "stopped": stopped}
            used = _execute(chapter, settings, unfinished, failed, title or chapter.name, stream, how)
            os.replace(unfinished, notebook)
            manifest = _manifest(chapter, before, used, started)
            write_whole(out / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
            failed.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise RunFailed(f"{error.filename or out} could not be written: {reason}") from error
        finally:
            unfinished.unlink(missing_ok=True)
    return notebook


def is_current(folder: Path, chapter: Chapter, settings: Settings) -> bool:
    """Whether the folder holds what `run` would leave there now."""
    made = manifest_of(folder)
    if not made or not (folder / f"{chapter.name}.ipynb").is_file():
        return False
    now = _made_from(chapter, settings, made["asked"])
    now["modules"] = {name: now["modules"].get(name) for name in made["modules"]}
    if made["lpips"] is not None:  # what could be computed here
        from arae_core.metrics import lpips_available  # needs torch, and `arae --help` comes through here

        now["lpips"] = lpips_available()[0]
    return made == made | now


def manifest_of(folder: Path) -> dict[str, Any]:
    """What the run in the folder was made from, its `seconds` and its `memory` (GiB at most); {} where none ended."""
    try:
        return json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def source_digest(chapter: Chapter) -> str:
    """Of the notebook, all of our modules and the libraries: equal on two machines that make the same of it."""
    return _digest([_notebook_digest(chapter), modules(), installed(_LIBRARIES)])


def installed(names: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed, and Python's."""
    found = {"python": platform.python_version()}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def code_digest(source: str) -> str:
    """Of a module's syntax, the same for every version of Python: comments, layout and docstrings do not count."""
    return _digest(_plain(ast.parse(source)))


def writable(out: Path) -> Path:
    """The folder as an absolute path, made if need be. Refused if nothing can be written into it."""
    out = out.expanduser().absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            return out
    except OSError as error:
        raise Refused(f"the output folder {out} cannot be written: {error.strerror or error}") from error


@contextmanager
def alone(lock: Path, what: str, patience: float = 0) -> Iterator[None]:
    """Hold the lock file. Refused if another holds it: `what` says what that one does ("run is …") and the way out."""
    try:
        with filelock.FileLock(lock, timeout=patience):
            yield
    except filelock.Timeout as error:
        raise Refused(f"another {what}") from error


def environment(out: Path, root: Path) -> dict[str, str]:
    """For the kernel: our variables, its output folder, this book, and this package, installed or not."""
    paths = [str(_PACKAGES), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    ours = {"ARAE_OUT": str(out), "ARAE_BOOK": str(root), "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    return {**os.environ, **ours, "TQDM_DISABLE": "1"}  # no bars on the page


def _execute(
    chapter: Chapter, at: Settings, target: Path, failed: Path, title: str, stream: Any, how: dict[str, Any]
) -> dict[str, Any]:
    """Papermill's run into the file `target`, in a failure `failed`; what the kernel used, see `kernel._used`."""
    import papermill  # two seconds that a refusal need not wait for
    from nbclient.exceptions import DeadKernelError

    from .kernel import ENGINE, Progress

    to_set = {name: value for name, value in at.cell().items() if value != _UNSET[name]}
    cells = len(_cells(chapter)) + bool(to_set)  # papermill adds one
    progress, used = Progress(title, cells, stream), {}
    kernel = {"kernel_name": "python3", "language": "python", "folder": str(chapter.path.parent)}
    how |= {"engine_name": ENGINE, "progress_bar": False, "progress": progress, "used": used}
    with tempfile.TemporaryFile() as errors:
        try:
            with progress:
                papermill.execute_notebook(chapter.path, target, to_set, stderr=errors, **kernel, **how)
            return used
        except papermill.PapermillExecutionError as error:
            what, details = f"{error.ename}: {error.evalue}", "\n".join(error.traceback)
        except OSError:
            raise
        except Exception as error:  # a kernel that died or did not start, no notebook that papermill can read
            what = f"{type(error).__name__}: {error}"
            if isinstance(error, DeadKernelError):
                what = "its process died (killed, or out of memory)"
            errors.seek(0)
            details = errors.read().decode("utf-8", "replace")
    where = f"in cell {progress.number}/{cells}" + f" ({progress.heading})" * bool(progress.heading)
    kept = ""
    if progress.number and target.exists():
        os.replace(target, failed)
        kept = f"; see {failed}"
    raise RunFailed(f"{chapter.name} failed {where}: {' '.join(what.split())[:300]}{kept}", details)


def _made_from(chapter: Chapter, settings: Settings, asked: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "chapter": chapter.name,
        "notebook": _notebook_digest(chapter),
        "settings": json.loads(json.dumps(settings.literals())),
        "shown": _digest(settings._repr_markdown_()),  # with the remarks, which stand on the page
        "libraries": installed(_LIBRARIES),
        "modules": modules(),
        "asked": {name: _asked_digest(chapter.root / name) for name in asked},
    }


def _manifest(
    chapter: Chapter, before: dict[str, Any], used: dict[str, Any], started: float
) -> dict[str, Any]:
    """What was there before the run, of that what the kernel used. What changed meanwhile is like no other."""
    asked = {
        os.path.relpath(path, chapter.root): _asked_digest(Path(path), started) for path in used["asked"]
    }
    modules = {name: before["modules"].get(name, "changed") for name in used["modules"]}
    return before | used | {"modules": modules, "asked": asked, "seconds": round(time.time() - started, 1)}


def _asked_digest(path: Path, unchanged_since: float = math.inf) -> str:
    """Of a file its content; of a folder, or a pattern in one, the names of what is there."""
    there = path if path.exists() else path.parent
    if there.exists() and there.stat().st_mtime > unchanged_since:
        return "changed"
    if path.is_file():
        return _digest(path.read_bytes())
    found = path.iterdir() if path.is_dir() else path.parent.glob(path.name)
    return _digest("\n".join(sorted(each.name for each in found if each.name[0] != ".")))


def _cells(chapter: Chapter) -> list[Any]:
    return nbformat.read(chapter.path, as_version=4).cells


def _notebook_digest(chapter: Chapter) -> str:
    return _digest([[cell.cell_type, cell.source, cell.metadata.get("tags", [])] for cell in _cells(chapter)])


def modules() -> dict[str, str]:
    """The code digest of each of our modules, by its name."""
    found = {}
    for path in sorted(_PACKAGES.glob("arae_*/**/*.py")):
        name = ".".join(path.relative_to(_PACKAGES).with_suffix("").parts).removesuffix(".__init__")
        found[name] = _module_digest(path, path.stat().st_mtime_ns)
    return found


@lru_cache(maxsize=None)
def _module_digest(path: Path, changed: int) -> str:
    try:
        return code_digest(path.read_text("utf-8"))
    except SyntaxError:  # somebody is editing it
        return "no Python"


def _plain(node: Any) -> Any:
    """A syntax tree as lists, without positions and docstrings, and without the fields that are empty."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        if ast.get_docstring(node, clean=False) is not None:
            fields["body"] = node.body[1:]
    return [type(node).__name__, *([name, _plain(value)] for name, value in fields.items())]


def _digest(content: Any) -> str:
    """Of bytes, a text, or anything that JSON can write."""
    if not isinstance(content, bytes):
        content = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]
