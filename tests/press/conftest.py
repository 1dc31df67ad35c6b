"""A small book with two chapters that need neither torch nor training."""

from __future__ import annotations

import json
import time

import nbformat
import pytest

PARAMETERS = 'profile = "default"\nseed = 0\ngiven = {}'
FIRST = """
import os, pathlib
from arae_book import settings
p = settings("first", profile, seed=seed, given=given)
(pathlib.Path(os.environ["ARAE_OUT"]) / "records").mkdir(parents=True, exist_ok=True)
print(p.seed, p.eps, p.layers, p.fast, pathlib.Path.cwd().name)
"""
DEFAULTS = """
pair: {eps: 0.5}
first: {layers: [conv1], fast: true, name: plain}
second: {without: [eps]}
"""

# A chapter to sweep: it notes that it ran, does what files tell it to, and writes a record without torch.
RUN = '''
import json, os, pathlib, signal, time
from arae_book import settings
p = settings("first", profile, seed=seed, given=given)
eps = f"{{p.eps:g}}"
trace = pathlib.Path({trace!r})
with open(trace / f"eps={{eps}},seed={{seed}}", "a") as file:  # a line for each time that it ran
    print(os.getpid(), os.environ.get("OMP_NUM_THREADS", "unset"), file=file)
if (trace / f"fails-{{eps}}").exists():
    raise RuntimeError("eps is no good")
if (trace / f"dies-{{eps}}").exists():
    os.kill(os.getpid(), signal.SIGKILL)
try:
    while (trace / f"waits-{{eps}}").exists():
        time.sleep(0.05)
finally:
    (trace / f"ended-{{eps}}").touch()
record = json.loads({record!r})
record |= dict(seed=seed, profile=profile, parameters=p.literals())
record["metrics"] = {{f"psnr/{{encoder}}/all": dict(value=20 + seed - p.eps * slope, std=1.0, n=10)
                     for encoder, slope in [("standard", 2), ("robust", 1)]}}
folder = pathlib.Path(os.environ["ARAE_OUT"]) / "records"
folder.mkdir(exist_ok=True)
(folder / "one.json").write_text(json.dumps(record))
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
    write(root / "book/part/01_first.ipynb", FIRST)
    write(root / "book/part/02_second.ipynb", "print('second')")
    for name, text in {"_config.yml": "title: small\nonly_build_toc_files: true\nexecute: {execute_notebooks: 'off'}\n",
        "_toc.yml": "format: jb-book\nroot: book/index\nchapters:\n- file: book/part/02_second\n"
                    "- file: book/part/01_first\n- file: book/scorecard\n", "book/index.md": "# Small\n",
        "book/scorecard.md": "# Scorecard\n\n```{include} _generated/scorecard.md\n```\n",
        "book/_generated/scorecard.md": "as committed\n",
        "book/claims.yaml": "- {id: a, source: A, text: More., comparison: psnr/robust/x > psnr/standard/x}\n",
        "book/profiles/default.yaml": DEFAULTS, "book/profiles/smoke.yaml": "first: {eps: 1}\nsecond: {}\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setenv("ARAE_BOOK", str(root))
    return root


@pytest.fixture
def trace(small_book, write, tmp_path):
    """Where the chapter `first` notes its runs, and looks for the files `waits-EPS`, `fails-EPS` and `dies-EPS`."""
    folder = tmp_path / "trace"
    folder.mkdir()
    data = {"name": "none", "digest": "", "notes": ""}
    record = {"chapter": "first", "data": data, "seconds": 1.0, "device": "cpu", "versions": {}, "commit": None,
              "dirty": None, "created": "", "left_out": {}}
    source = RUN.format(trace=str(folder), record=json.dumps(record))
    write(small_book / "book/part/01_first.ipynb", source)
    (small_book / "book/profiles/smoke.yaml").write_text("first: {name: quick}\nsecond: {}\n")
    return folder


@pytest.fixture
def runs(trace):
    """How often each point ran."""
    return lambda: {path.name: len(path.read_text().splitlines()) for path in sorted(trace.glob("eps=*"))}


@pytest.fixture
def wait_for():
    """`wait_for(path)` returns when it is there."""

    def wait(path, seconds=90.0):
        deadline = time.monotonic() + seconds
        while not path.exists():
            assert time.monotonic() < deadline, f"{path} did not come"
            time.sleep(0.05)

    return wait
