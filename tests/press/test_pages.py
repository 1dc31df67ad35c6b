"""What a folder was made from: only what changed runs again, and nothing that is stale is kept."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest

from arae_book import pages, runs
from arae_book.chapters import Refused, chapters_in_order, find_chapter
from arae_book.profiles import settings
from arae_book.runs import MANIFEST, RunFailed


@pytest.fixture
def ran(monkeypatch):
    """The chapters that papermill's stand-in has executed; it fails those in `ran.failing`, and calls `ran.meanwhile`."""
    class Ran(list):
        failing: set[str] = set()
        asked: tuple[Path, ...] = ()
        meanwhile = staticmethod(lambda chapter: None)

    def execute(chapter, to_set, target, failed, title, stream, engine):
        ran.append(chapter.name)
        if chapter.name in ran.failing:
            raise RunFailed(f"{chapter.name} failed", "ValueError: why")
        shutil.copy(chapter.path, target)
        (target.parent / "records").mkdir()
        (target.parent / "records" / f"{chapter.name}.json").write_text("{}")
        ran.meanwhile(chapter)
        used = ["arae_core", "arae_core.attacks.pgd"] if chapter.name == "first" else ["arae_core"]
        engine["farewell"].write_text(json.dumps(dict(modules=used, asked=[*map(str, ran.asked)], lpips=ran.lpips, memory=0.1)))

    ran = Ran()
    ran.lpips = None
    monkeypatch.setattr(runs, "_execute", execute)
    return ran


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the two packages' sources, for digests alone."""
    folder = tmp_path / "packages"
    for name, text in {"arae_core/__init__.py": "", "arae_core/attacks/pgd.py": '"""PGD."""\nSTEPS = 1\n',
                       "arae_book/runs.py": "a = 1\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(runs, "_PACKAGES", folder)
    return folder


def build(root: Path, profile="default") -> dict[str, Path]:
    return pages.execute_changed(chapters_in_order(root), profile, root / "_build", say=lambda _: 0)


def edit(path: Path, change) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_only_what_changed_is_executed(small_book, ran):
    first = build(small_book)
    assert ran == ["second", "first"] and all(page.is_file() for page in first.values())
    assert build(small_book) == first and len(ran) == 2
    edit(small_book / "book/part/01_first.ipynb", lambda nb: nb.cells[-1].update(source="1"))
    build(small_book)
    assert ran[2:] == ["first"]
    build(small_book, "smoke")
    build(small_book)
    assert ran[3:] == ["second", "first"], "each profile's pages are kept"


def test_what_makes_a_page_outdated(small_book, package, ran, monkeypatch):
    chapter, committed = find_chapter(small_book, "first"), small_book / "book/reference/default/records"
    committed.mkdir(parents=True)
    (committed / "first-0.json").write_text("{}")
    ran.asked = (committed / "first-0.json", committed / "first-*.json", small_book / "book/claims.yaml")
    ran.lpips = False
    monkeypatch.setattr(runs, "lpips_here", lambda: False)
    out = small_book / "out"

    def changed(**given) -> bool:
        """Whether the run's folder is outdated; then, without `given`, it is made again."""
        now = settings("first", root=small_book, given=given)
        current = runs.is_current(out, chapter, now)
        if not current and not given:
            for path in filter(Path.is_file, ran.asked):
                os.utime(path, (0, 0))  # the file system's clock may be coarse
            runs.run(chapter, now, out, own=True)
            assert runs.is_current(out, chapter, now)
        return not current

    assert changed() and not changed()

    def outputs(notebook):
        notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="x")]
        notebook.cells[-1].execution_count = 3
        notebook.metadata["widgets"] = {"state": {}}
        for cell in notebook.cells:
            cell.metadata["papermill"] = {"duration": 1}

    edit(chapter.path, outputs)
    assert not changed(), "outputs are no reason to run again"
    edit(chapter.path, lambda nb: nb.cells[-1].update(source="2"))
    assert changed()
    edit(chapter.path, lambda nb: nb.cells[-1].metadata.update(tags=["hide-cell"]))
    assert changed()
    assert changed(eps=0.7)
    profile = small_book / "book/profiles/default.yaml"
    profile.write_text(profile.read_text().replace("eps: 0.5", "eps: 0.25"))
    assert changed()
    profile.write_text(profile.read_text().replace("pair: {eps: 0.25}", "pair:\n  eps: 0.25  # the radius"))
    assert changed(), "the remark stands on the page"
    (package / "arae_core/attacks/pgd.py").write_text('"""Projected."""\nSTEPS = 1  # a comment\n')
    assert not changed(), "comments and docstrings do not count"
    (package / "arae_core/attacks/pgd.py").write_text("STEPS = 2\n")
    assert changed()
    (package / "arae_book/runs.py").write_text("a = 2\n")
    (package / "arae_core/new.py").touch()
    assert not changed(), "its kernel had not loaded these"
    for name in ("second-0.json", "first-1.json.tmp"):
        (committed / name).write_text("{}")
    assert not changed(), "no record that it asks for"
    (committed / "first-1.json").write_text("{}")
    assert changed()
    (committed / "first-0.json").write_text("[]")
    assert changed()
    (small_book / "book/claims.yaml").write_text("")
    assert changed()
    monkeypatch.setattr(runs, "lpips_here", lambda: True)
    ran.lpips = True
    assert changed()
    monkeypatch.setattr(runs, "version", lambda name: "0")
    assert changed()
    (out / MANIFEST).write_text((out / MANIFEST).read_text()[:-20])  # cut off in the middle
    assert changed()
    (out / "first.ipynb").unlink()
    assert changed()


def test_the_digest_of_code():
    one = runs.code_digest('"""Doc."""\nclass A:\n    """Doc."""\n    def f(self, a=(1, "x")):  # why\n        return a\n')
    assert one == runs.code_digest("class A:\n    def f(self, a=(1, 'x')): return a") == "1ae4cbf3d6b233dc"
    assert one != runs.code_digest("class A:\n    def f(self, a=(2, 'x')): return a")
    assert runs.code_digest("'a'; 'b'") != runs.code_digest("'a'; 'c'"), "only the first text is a docstring"


def test_a_kernel_says_what_it_used(small_book, write):
    chapter = find_chapter(small_book, "first")
    write(chapter.path, "from arae_book import settings\nimport arae_core.seeds, sys, types\n"
          "sys.modules['arae_core.results.reference'] = types.SimpleNamespace(asked={" + repr(str(
              small_book / "book/claims.yaml")) + "})")
    runs.run(chapter, settings("first", root=small_book), small_book / "out")
    made = json.loads((small_book / "out" / MANIFEST).read_text())
    assert {"arae_book.profiles", "arae_core.seeds"} < made["modules"].keys() and "arae_book.runs" not in made["modules"]
    assert list(made["asked"]) == ["book/claims.yaml"] and made["lpips"] is None
    assert 0.01 < made["memory"] < 4 and made["seconds"] > 0 and made["settings"]["eps"] == 0.5


def test_a_failed_chapter_lets_the_others_run_and_is_not_kept(small_book, ran):
    ran.failing = {"second"}
    with pytest.raises(RunFailed, match="second failed"):
        build(small_book)
    ran.failing = set()
    build(small_book)
    assert ran == ["second", "first", "second"]


def test_a_page_that_was_overtaken_by_an_edit_is_not_kept(small_book, package, ran):
    changes = [lambda: edit(small_book / "book/part/01_first.ipynb", lambda nb: nb.cells[-1].update(source="later")),
               lambda: (package / "arae_core/attacks/pgd.py").write_text("STEPS = 2\n"),
               lambda: (small_book / "book/claims.yaml").write_text("[]")]
    ran.asked = (small_book / "book/claims.yaml",)
    for change in changes:
        shutil.rmtree(small_book / "_build", ignore_errors=True)
        os.utime(small_book / "book/claims.yaml", (0, 0))
        ran.meanwhile = lambda chapter: change() if chapter.name == "first" else None
        with pytest.raises(RunFailed, match="first: what it is made from changed while it ran"):
            build(small_book)
        ran.meanwhile = lambda chapter: None
        ran.clear()
        build(small_book)
        assert "first" in ran


def test_a_missing_profile_is_refused_before_any_chapter_runs(small_book, ran):
    (small_book / "book/profiles/smoke.yaml").write_text("second: {}\n")
    with pytest.raises(Refused, match="first has no profile 'smoke'"):
        build(small_book, "smoke")
    assert ran == []


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
