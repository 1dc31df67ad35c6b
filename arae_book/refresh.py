"""`arae refresh`: the committed notebooks take the outputs of a run at default parameters.

nbval compares with these outputs, and they are what a code host shows. A page that `arae book` made and that
still holds is taken as it is.
"""

from __future__ import annotations

from pathlib import Path

from .build import building
from .chapters import DEFAULT, chapters_in_order
from .generated import generated
from .pages import execute_changed, published, records_of


def refresh(root: Path) -> list[Path]:
    """Store the executed chapters and the generated pages in `book/`; return the files that changed.

    Nothing is stored unless every chapter ran. Each file is whole or as it was. Raises as `build.book`.
    """
    from arae_core.results import write_whole

    with building(root) as build:
        chapters = chapters_in_order(root)
        pages = execute_changed(chapters, DEFAULT, build)
        texts = {chapter.path: published(pages[chapter.name]) for chapter in chapters}
        texts |= {root / name: text for name, text in generated(root, records_of(pages)).items()}
        changed = [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
        for path in changed:
            write_whole(path, texts[path].encode())
    return changed
