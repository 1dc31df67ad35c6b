"""A small book with two chapters that need neither torch nor training."""

from __future__ import annotations

import nbformat
import pytest

from arae_core.publishing import pages

PARAMETERS = '"""What may be set."""\nprofile = "default"\nseed = 0\neps = 0.5\nlayers = ["conv1"]\nfast: bool = True'
RECORD = '''
import json, os, pathlib
records = pathlib.Path(os.environ["ARAE_OUT"]) / "records"
records.mkdir(parents=True, exist_ok=True)
print(seed, eps, layers, fast, pathlib.Path.cwd().name)
'''


def notebook(*sources: str, parameters: str = PARAMETERS) -> nbformat.NotebookNode:
    """A heading, the parameters cell, and a code cell for each source."""
    cells = [nbformat.v4.new_markdown_cell("# A chapter\n\nWords."),
             nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    return nbformat.v4.new_notebook(cells=cells + [nbformat.v4.new_code_cell(source) for source in sources])


def write(path, *sources: str, **kwargs) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook(*sources, **kwargs), path)


@pytest.fixture(name="write")
def write_fixture():
    """`write(path, *sources, parameters=…)` writes a notebook."""
    return write


@pytest.fixture
def small_book(tmp_path, monkeypatch):
    """The book's root; chapters `first` (with a profile smoke) and `second`."""
    root = tmp_path / "checkout"
    write(root / "book/part/01_first.ipynb", RECORD)
    write(root / "book/part/02_second.ipynb", "print('second')", parameters="profile = 'default'")
    for name, text in {
        "_config.yml": "title: small\nonly_build_toc_files: true\nexecute: {execute_notebooks: 'off'}\n",
        "_toc.yml": "format: jb-book\nroot: book/index\nchapters:\n- file: book/part/02_second\n"
                    "- file: book/part/01_first\n- file: book/scorecard\n",
        "book/index.md": "# Small\n",
        "book/scorecard.md": "# Scorecard\n\n```{include} _generated/scorecard.md\n```\n",
        "book/_generated/scorecard.md": "as committed\n",
        "book/claims.yaml": "- {id: a, source: A, text: More., comparison: psnr/robust/x > psnr/standard/x}\n",
        "book/profiles/first/smoke.yaml": "profile: smoke\neps: 1\n",
        "book/profiles/second/smoke.yaml": "profile: smoke\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setenv("ARAE_BOOK", str(root))
    monkeypatch.setattr(pages, "_lpips", lambda: False)
    return root
