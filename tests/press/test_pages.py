"""Kept executions: only what changed runs again, and nothing that is stale is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

import arae_core
from arae_book import pages
from arae_book.chapters import Refused, chapters_in_order, find_chapter
from arae_book.execute import RunFailed


@pytest.fixture
def execute():
    """A stand-in for `execute.run` that writes the notebook with an output and keeps count."""
    def run(chapter, settings, out, *, title=""):
        run.executed.append(chapter.name)
        if chapter.name in run.failing:
            raise RunFailed(f"{chapter.name} failed", "ValueError: why")
        notebook = nbformat.read(chapter.path, as_version=4)
        notebook.cells[-1].execution_count = 1
        (out / "records").mkdir(parents=True)
        (out / "records" / f"{chapter.name}.json").write_text("{}")
        nbformat.write(notebook, out / f"{chapter.name}.ipynb")
        return out / f"{chapter.name}.ipynb"
    run.executed, run.failing = [], set()
    return run


def build(root: Path, execute, profile="default") -> dict[str, Path]:
    execute.executed.clear()
    return pages.execute_changed(chapters_in_order(root), profile, root / "_build", execute=execute, say=lambda _: 0)


def edit(path: Path, change) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_only_what_changed_is_executed(small_book, execute):
    first = build(small_book, execute)
    assert execute.executed == ["second", "first"]
    assert build(small_book, execute) == first and execute.executed == []
    edit(small_book / "book/part/01_first.ipynb", lambda nb: nb.cells[-1].update(source="1"))
    assert build(small_book, execute)["second"] == first["second"]
    assert execute.executed == ["first"] and not first["first"].exists()
    build(small_book, execute, "smoke")
    assert execute.executed == ["second", "first"]
    build(small_book, execute)
    assert execute.executed == []


def test_the_estimate_is_for_the_chapters_that_will_run(small_book, execute, monkeypatch):
    asked = []
    monkeypatch.setattr(pages, "announce", lambda chapters, profile: asked.append([c.name for c in chapters]))
    build(small_book, execute)
    edit(small_book / "book/part/01_first.ipynb", lambda nb: nb.cells[-1].update(source="1"))
    build(small_book, execute)
    build(small_book, execute)
    assert asked == [["second", "first"], ["first"], []]


def test_what_the_digest_sees(small_book, tmp_path, monkeypatch):
    path = small_book / "book/part/01_first.ipynb"
    chapter = find_chapter(small_book, "first")
    package = tmp_path / "arae_core"
    shutil.copytree(Path(arae_core.__file__).parent / "publishing", package / "publishing")
    (package / "__init__.py").touch()
    monkeypatch.setattr(arae_core, "__file__", str(package / "__init__.py"))
    seen = [pages.digest(chapter, {})]

    def changed(settings=None) -> bool:
        seen.append(pages.digest(chapter, settings or {}))
        return seen[-1] not in seen[:-1]

    def outputs(notebook):
        notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="x")]
        notebook.cells[-1].execution_count = 3
        notebook.metadata["widgets"] = {"state": {}}
        for cell in notebook.cells:
            cell.metadata["papermill"] = {"duration": 1}

    edit(path, outputs)
    assert not changed(), "outputs are no reason to run again"
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").touch()
    assert not changed()
    assert changed({"seed": 1})
    edit(path, lambda nb: nb.cells[-1].update(source="2"))
    assert changed()
    edit(path, lambda nb: nb.cells[-1].metadata.update(tags=["hide-cell"]))
    assert changed()
    (package / "publishing" / "execute.py").write_text("")
    assert changed()
    (package / "new.py").touch()
    assert changed()
    (small_book / "book/claims.yaml").write_text("")
    assert changed()
    (small_book / "book/reference/records").mkdir(parents=True)
    (small_book / "book/reference/records/a.json").write_text("{}")
    assert changed()
    monkeypatch.setattr(pages, "lpips_here", lambda: True)
    assert changed()
    monkeypatch.setattr(pages, "version", lambda name: "0")
    assert changed()


def test_a_failed_chapter_lets_the_others_run_and_is_not_kept(small_book, execute):
    execute.failing = {"second"}
    with pytest.raises(RunFailed, match="second failed"):
        build(small_book, execute)
    assert execute.executed == ["second", "first"]
    execute.failing = set()
    build(small_book, execute)
    assert execute.executed == ["second"]


def test_a_page_that_was_overtaken_by_an_edit_is_not_kept(small_book, execute):
    def slow(chapter, settings, out, *, title=""):
        page = execute(chapter, settings, out, title=title)
        if chapter.name == "first":
            edit(chapter.path, lambda nb: nb.cells[-1].update(source="later"))
        return page

    slow.executed = execute.executed
    with pytest.raises(RunFailed, match="first: notebook or package changed while it ran"):
        build(small_book, slow)
    build(small_book, execute)
    assert execute.executed == ["first"]


def test_a_missing_profile_is_refused_before_any_chapter_runs(small_book, execute):
    (small_book / "book/profiles/first/smoke.yaml").unlink()
    with pytest.raises(Refused, match="first has no profile 'smoke'"):
        build(small_book, execute, "smoke")
    assert execute.executed == []


def test_what_is_published_has_outputs_but_no_timings_or_paths(small_book, tmp_path):
    path = tmp_path / "page.ipynb"
    shutil.copy(small_book / "book/part/01_first.ipynb", path)

    def executed(notebook):
        notebook.metadata.update(papermill={"input_path": "/home/x"}, widgets={"state": {"a": {}}},
                                 language_info={"name": "python", "version": "3.11.7"})
        notebook.cells[-1].execution_count = 2
        for cell in notebook.cells:
            cell.metadata.update(papermill={"duration": 1.0}, execution={"iopub": "2026"})
            cell.metadata.setdefault("tags", [])

    edit(path, executed)
    published = nbformat.reads(pages.published(path), as_version=4)
    assert published.metadata == {"widgets": {"state": {"a": {}}}, "language_info": {"name": "python"}}
    assert [dict(cell.metadata) for cell in published.cells] == [{}, {"tags": ["parameters"]}, {}]
    assert published.cells[-1].execution_count == 2
