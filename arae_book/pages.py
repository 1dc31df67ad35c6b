"""Executed chapters, kept under `_build/pages/<profile>/<chapter>-<digest>/` with their records and pictures.

The digest is over all that may change a page: the notebook without its outputs, the package's source, the
parameters, the claims and reference runs (not their costs, which the stage adds), the libraries' versions, and
whether LPIPS can be computed. So a page is never older than what it shows, and only what changed is executed again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import nbformat

import arae_core

from .chapters import Chapter
from .costs import FOLDER as COSTS
from .estimate import announce
from .execute import RunFailed, run
from .parameters import settings
from .reference_runs import FILE as RUNS
from .speed import FOLDER as BENCHMARKS

_LIBRARIES = ("torch", "torchvision", "scikit-image", "scikit-learn", "lpips", "pyautoattack", "matplotlib",
              "ipywidgets")
Execute = Callable[..., Path]


def digest(chapter: Chapter, chosen: Mapping[str, Any]) -> str:
    """SHA-256 (16 hexadecimals) of everything that the chapter's page under these settings depends on."""
    book = chapter.root / "book"
    total = hashlib.sha256(run_digest(chapter, chosen, lpips=lpips_here()).encode())
    apart = {chapter.root / its for its in (COSTS, BENCHMARKS, RUNS)}  # of these no chapter reads
    reference = [path for path in (book / "reference").rglob("*") if apart.isdisjoint([path, *path.parents])]
    _add(total, book, [book / "claims.yaml", *reference])
    return total.hexdigest()[:16]


def run_digest(chapter: Chapter, chosen: Mapping[str, Any], *, lpips: bool) -> str:
    """The same of what the chapter's numbers depend on: all but the claims and the reference runs.

    lpips: whether LPIPS can be computed.
    """
    notebook = nbformat.read(chapter.path, as_version=4)
    cells = [[cell.cell_type, cell.source, cell.metadata.get("tags", [])] for cell in notebook.cells]
    versions = {**installed(_LIBRARIES), "python": platform.python_version()}
    total = hashlib.sha256(json.dumps([cells, chosen, versions, lpips], sort_keys=True).encode())
    package = Path(arae_core.__file__).parent
    _add(total, package, package.rglob("*.py"))
    return total.hexdigest()[:16]


def execute_changed(chapters: Iterable[Chapter], profile: str, build: Path, *,
                    execute: Execute = run, say: Callable[[str], None] = print) -> dict[str, Path]:
    """The executed notebook of each chapter: the kept one, or else a new one. Older ones are removed.

    build: the folder `_build`. execute: what executes, called as `execute.run`. All settings are checked before
    the first chapter runs (Refused). A chapter that fails does not keep the others from running; then
    RunFailed names those that did.
    """
    chapters = list(chapters)
    chosen = {chapter.name: settings(chapter, profile) for chapter in chapters}
    announce([c for c in chapters if not _page(c, chosen[c.name], profile, build).is_file()], profile)
    pages: dict[str, Path] = {}
    failures: list[RunFailed] = []
    for number, chapter in enumerate(chapters, start=1):
        title = f"chapter {number}/{len(chapters)} {chapter.name} ({profile})"
        folder = _folder(chapter, chosen[chapter.name], profile, build)
        page = folder / f"{chapter.name}.ipynb"
        if page.is_file():
            say(f"{title}: nothing changed")
        else:
            shutil.rmtree(folder, ignore_errors=True)
            try:
                execute(chapter, chosen[chapter.name], folder, title=title)
                if _folder(chapter, chosen[chapter.name], profile, build) != folder:
                    page.unlink()
                    raise RunFailed(f"{chapter.name}: notebook or package changed while it ran; build again")
            except RunFailed as failure:
                say(f"{title}: failed\n{failure.details}".rstrip())
                failures.append(failure)
                continue
        pages[chapter.name] = page
        _remove_others(folder, chapter.name)
    if failures:
        raise RunFailed("\narae: ".join(map(str, failures)))
    return pages


def records_of(pages: Mapping[str, Path]) -> list[Path]:
    """The records that lie beside the executed notebooks."""
    return [record for page in pages.values() for record in sorted((page.parent / "records").glob("*.json"))]


def published(page: Path) -> str:
    """An executed notebook's text for the site and for `book/`: outputs and widgets, but no timings or paths."""
    notebook = nbformat.read(page, as_version=4)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        for volatile in ("papermill", "execution", "execution_info"):
            cell.metadata.pop(volatile, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill gives each cell an empty list
    return nbformat.writes(notebook) + "\n"


def installed(names: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _add(total: Any, folder: Path, paths: Iterable[Path]) -> None:
    """Let the files' names and contents enter the hash `total`; hidden files and notebooks stay out."""
    kept = (path for path in paths if path.is_file() and path.name[0] != "." and path.suffix != ".ipynb")
    for path in sorted(kept):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())


def _page(chapter: Chapter, chosen: Mapping[str, Any], profile: str, build: Path) -> Path:
    return _folder(chapter, chosen, profile, build) / f"{chapter.name}.ipynb"


def _folder(chapter: Chapter, chosen: Mapping[str, Any], profile: str, build: Path) -> Path:
    return build / "pages" / profile / f"{chapter.name}-{digest(chapter, chosen)}"


def _remove_others(kept: Path, name: str) -> None:
    for folder in kept.parent.glob(f"{name}-*"):
        if folder != kept and len(folder.name) == len(kept.name):
            shutil.rmtree(folder)


def lpips_here() -> bool:
    """Whether LPIPS can be computed on this machine."""
    from arae_core.metrics import lpips_available  # needs torch, and `arae --help` comes through here

    return lpips_available()[0]
