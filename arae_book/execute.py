"""One chapter, executed by papermill into a folder: whole, or not there.

Papermill writes into its output while it runs, and a traceback when it fails. So the output is a hidden
neighbour that takes the chapter's name at the end; a failed one is kept as `CHAPTER.failed.ipynb`.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import nbformat

import arae_core

from . import costs
from .chapters import Chapter, Refused
from .progress import Progress

KERNEL = "python3"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LINES_OF_AN_ERROR = 8


class RunFailed(RuntimeError):
    """A chapter that began and did not end. `details`: the last lines of its error."""

    def __init__(self, message: str, details: str = ""):
        super().__init__(message)
        self.details = details


def run(chapter: Chapter, settings: Mapping[str, Any], out: Path, *, title: str = "") -> Path:
    """Execute the chapter with these settings (see `parameters.settings`) and return out/CHAPTER.ipynb.

    out is made, or may hold other files; the chapter writes records/ and pictures/ into it ($ARAE_OUT), and what
    the run cost stands in costs/ afterwards. The working directory is the notebook's own folder, as under nbval.
    Raises Refused for an `out` that cannot be written or that another run is writing, RunFailed when the chapter
    fails.
    """
    out = writable(out)
    with alone(out / f".{chapter.name}.lock", f"run is writing {out / chapter.name}.ipynb"):
        unfinished = out / f".{chapter.name}.unfinished.ipynb"
        failed = out / f"{chapter.name}.failed.ipynb"
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                account, started = Path(folder) / "account", time.monotonic()
                _execute(chapter, dict(settings), unfinished, failed, title or chapter.name, account)
                os.replace(unfinished, out / f"{chapter.name}.ipynb")
                costs.keep(chapter, settings, time.monotonic() - started, account, out / "costs")
            failed.unlink(missing_ok=True)
        except OSError as error:
            raise RunFailed(f"{error.filename or out} could not be written: {error.strerror or error}") from error
        finally:
            unfinished.unlink(missing_ok=True)
    return out / f"{chapter.name}.ipynb"


def _execute(chapter: Chapter, settings: dict[str, Any], target: Path, failed: Path, title: str,
             account: Path) -> None:
    import papermill  # two seconds that a refusal need not wait for
    from nbclient.exceptions import DeadKernelError

    from .kernel import ENGINE

    cells = len(nbformat.read(chapter.path, as_version=4).cells) + bool(settings)  # papermill adds one
    progress = Progress(title, cells)
    with tempfile.TemporaryFile() as raw_errors:
        try:
            with progress:
                papermill.execute_notebook(
                    chapter.path, target, settings, engine_name=ENGINE, kernel_name=KERNEL, language="python",
                    cwd=chapter.path.parent, progress_bar=False, on_cell_start=progress.cell,
                    env=environment(target.parent, chapter.root) | {"ARAE_ACCOUNT": str(account)}, stderr=raw_errors)
            return
        except papermill.PapermillExecutionError as error:
            what, details = f"{error.ename}: {error.evalue}", "\n".join(error.traceback)
        except DeadKernelError:
            raw_errors.seek(0)
            what, details = "its process died (killed, or out of memory)", raw_errors.read().decode(errors="replace")
        except OSError:
            raise
        except Exception as error:  # a kernel that does not start, a notebook that papermill cannot read
            what, details = f"{type(error).__name__}: {error}", ""
    kept = ""
    if progress.number and target.exists():
        os.replace(target, failed)
        kept = f"; see {failed}"
    where = f"in cell {progress.number}/{cells}" + (f" ({progress.heading})" if progress.heading else "")
    last = COLOURS.sub("", details).strip().splitlines()[-_LINES_OF_AN_ERROR:]
    raise RunFailed(f"{chapter.name} failed {where}: {' '.join(what.split())[:300]}{kept}", "\n".join(last))


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
def alone(lock: Path, what: str, way_out: str = "wait for it, or choose another --out") -> Iterator[None]:
    """Hold the lock file `lock`. Refused if another holds it: `what` says what that one does ("run is …")."""
    try:
        with filelock.FileLock(lock, timeout=0):
            yield
    except filelock.Timeout as error:
        raise Refused(f"another {what}: {way_out}") from error


def environment(out: Path, root: Path) -> dict[str, str]:
    """For the kernel: our variables, its output folder, this book, and this package, installed or not."""
    package = str(Path(arae_core.__file__).parents[1])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "ARAE_OUT": str(out), "ARAE_BOOK": str(root), "TQDM_DISABLE": "1",  # no bars on the page
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
