"""The stage: what Jupyter Book reads, the book's sources with the executed chapters and generated pages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import nbformat

from .chapters import chapters_in_order
from .cost_tables import box
from .costs import CostError, recorded
from .execute import RunFailed
from .generated import generated
from .pages import published, records_of

Files = Mapping[str, Path | bytes]  # by path under a folder: where the content lies, or the content
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}


def staged(root: Path, pages: Mapping[str, Path]) -> dict[str, Path | bytes]:
    """The files of the stage: `_config.yml`, `_toc.yml` and `book/`, each chapter as executed in `pages`, and
    after its first cell what it costs in time and memory. Raises RunFailed for a cost record that is none."""
    wanted: dict[str, Path | bytes] = {name: root / name for name in ("_config.yml", "_toc.yml")}
    for path in (root / "book").rglob("*"):
        inside = path.relative_to(root)
        hidden = any(part in _LEFT_OUT or part.startswith(".") for part in inside.parts)
        if path.is_file() and not hidden:
            wanted[inside.as_posix()] = path
    try:
        costs = recorded(root)
    except CostError as error:
        raise RunFailed(str(error)) from error
    for chapter in chapters_in_order(root):
        page = with_second_cell(published(pages[chapter.name]), box(chapter, costs))
        wanted[chapter.path.relative_to(root).as_posix()] = page.encode()
    for name, text in generated(root, records_of(pages)).items():
        wanted[name] = text.encode()
    return wanted


def with_second_cell(notebook: str, markdown: str) -> str:
    """The notebook's text with one more cell after the first. Its id is fixed, so that equal pages stay equal."""
    content = nbformat.reads(notebook, as_version=4)
    cell = nbformat.v4.new_markdown_cell(markdown, id="time-and-memory")
    if "id" not in content.cells[0]:
        del cell["id"]  # as in notebooks from before there were ids
    content.cells.insert(1, cell)
    return nbformat.writes(content) + "\n"


def sync(target: Path, wanted: Files) -> None:
    """Make the folder hold exactly these files; those that are the same already are not touched."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(target.rglob("*"), reverse=True):  # what a folder holds comes before the folder
        if not path.is_dir() and path.relative_to(target).as_posix() not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, source in wanted.items():
        content, path = _content(source), target / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def digest_of(wanted: Files, versions: Mapping[str, str]) -> str:
    """SHA-256 of the files' names and contents, and of the versions of what is to read them."""
    total = hashlib.sha256(repr(sorted(versions.items())).encode())
    for name, source in sorted(wanted.items()):
        total.update(f"{name} {hashlib.sha256(_content(source)).hexdigest()}\n".encode())
    return total.hexdigest()


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()
