"""The pages that `make book` has just run say what the notebooks have stored, by nbval's own comparison."""

from types import SimpleNamespace

import nbformat
import pytest
from nbval.plugin import IPyNbCell, coalesce_streams, nocolors

from arae_book import settings
from arae_book.chapters import all_chapters, find_root
from arae_book.runs import is_current

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
            and not compare(cell, coalesce_streams(theirs.outputs), coalesce_streams(ours.outputs))]


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_page_says_what_its_notebook_has_stored(chapter):
    page = ROOT / "_build" / "pages" / "default" / chapter / f"{chapter}.ipynb"
    if not is_current(page.parent, CHAPTERS[chapter], settings(chapter)):
        pytest.skip("the page is not there, or outdated: make book")
    stored, run = (nbformat.read(path, as_version=4) for path in (CHAPTERS[chapter].path, page))
    assert differences(stored, run) == []


def test_another_conclusion_is_seen():
    def notebook(*texts):  # a busy kernel sends what one cell prints in several pieces
        outputs = [nbformat.v4.new_output("stream", text=text) for text in texts]
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(a)", outputs=outputs)])

    assert differences(notebook("True\n"), notebook("True", "\n")) == []
    assert differences(notebook("True\n"), notebook("False\n")) == [(0, "print(a)")]
