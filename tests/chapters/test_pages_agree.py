"""The pages that `make book` has just run say what the notebooks have stored, by nbval's own comparison.

`pytest --nbval book` runs every chapter again for this; the pages are such a run already. `make test` does that for one
chapter, so that the way stays open, and this for all.
"""

from types import SimpleNamespace

import nbformat
import pytest
from nbval.plugin import IPyNbCell, nocolors

from arae_book.chapters import all_chapters, find_root

ROOT = find_root()
CHAPTERS = all_chapters(ROOT)
SKIPPED = (  # what nbval leaves out too
    "metadata", "traceback", "prompt_number", "output_type", "name", "execution_count", "image/png", "image/jpeg",
    "application/vnd.jupyter.widget-view+json")


def differences(stored, run):
    """The cells, by number, whose outputs nbval would not let pass, each with its source's first line."""
    compare, parent = IPyNbCell.compare_outputs, SimpleNamespace(skip_compare=SKIPPED)
    cell = SimpleNamespace(parent=parent, colors=nocolors, sanitize=lambda text: text, format_output_compare=lambda *_: None)
    code = [[each for each in notebook.cells if each.cell_type == "code"] for notebook in (stored, run)]
    return [(number, ours.source.splitlines()[0]) for number, (ours, theirs) in enumerate(zip(*code, strict=True))
            if not {"nbval-ignore-output", "nbval-skip"} & set(ours.metadata.get("tags", []))
            and not compare(cell, theirs.outputs, ours.outputs)]


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_page_says_what_its_notebook_has_stored(chapter):
    page = ROOT / "_build" / "pages" / "default" / chapter / f"{chapter}.ipynb"
    if not page.is_file():
        pytest.skip("the book is not built: make book")
    stored = nbformat.read(CHAPTERS[chapter].path, as_version=4)
    assert differences(stored, nbformat.read(page, as_version=4)) == []


def test_another_conclusion_is_seen():
    def notebook(text):
        output = nbformat.v4.new_output("stream", text=text)
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(a)", outputs=[output])])

    assert differences(notebook("True\n"), notebook("True\n")) == []
    assert differences(notebook("True\n"), notebook("False\n")) == [(0, "print(a)")]
