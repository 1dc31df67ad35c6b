"""Executed chapters, kept under `_build/pages/<profile>/<chapter>/` with their records and pictures.

A page runs again when its folder is no longer current (see `runs`): so it is never older than what it shows, and only
what changed is executed.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import nbformat

from .chapters import Chapter
from .profiles import settings
from .runs import RunFailed, is_current, run


def execute_changed(
    chapters: Iterable[Chapter], profile: str, build: Path, *, say: Callable[[str], None] = print
) -> dict[str, Path]:
    """The executed notebook of each chapter: the kept one, or else a new one.

    build: the folder `_build`. All settings are checked before the first chapter runs (Refused). A chapter that fails
    does not keep the others from running; then RunFailed names those that did.
    """
    chosen = {chapter: settings(chapter.name, profile, root=chapter.root) for chapter in chapters}
    pages: dict[str, Path] = {}
    failures: list[RunFailed] = []
    for number, (chapter, at) in enumerate(chosen.items(), start=1):
        title = f"chapter {number}/{len(chosen)} {chapter.name} ({profile})"
        folder = build / "pages" / profile / chapter.name
        pages[chapter.name] = folder / f"{chapter.name}.ipynb"
        if is_current(folder, chapter, at):
            say(f"{title}: nothing changed")
            continue
        try:
            run(chapter, at, folder, title=title, own=True)
            if not is_current(folder, chapter, at):
                raise RunFailed(f"{chapter.name}: what it is made from changed while it ran; build again")
        except RunFailed as failure:
            say(f"{title}: failed\n{failure.details}".rstrip())
            failures.append(failure)
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
