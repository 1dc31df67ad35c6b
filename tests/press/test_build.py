"""`arae book` and `arae refresh` on a small book, Jupyter Book included: only what changed runs again, and nothing that is
stale is kept."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import threading
from pathlib import Path

import nbformat
import pytest

from arae_book import build, runs
from arae_book.build import sync
from arae_book.chapters import Refused, chapters_in_order, find_chapter
from arae_book.cli import _status
from arae_book.generated import generated
from arae_book.profiles import settings
from arae_book.runs import MANIFEST, RunFailed


def test_sync_removes_what_is_stale_and_leaves_what_is_the_same(tmp_path):
    target = tmp_path / "target"
    sync(target, {"a/b/c.md": b"c", "same.md": b"same", "d.md": b"old", "e": b"a file"})
    before = (target / "same.md").stat().st_mtime_ns
    sync(target, {"same.md": b"same", "d.md": b"new", "e/now_a_folder.md": b""})
    assert {p.relative_to(target).as_posix() for p in target.rglob("*")} == {"same.md", "d.md", "e", "e/now_a_folder.md"}
    assert (target / "d.md").read_text() == "new" and (target / "same.md").stat().st_mtime_ns == before


def text(page):
    return html.unescape(re.sub("<[^>]*>", "", page.read_text()))


def test_the_book_is_built_and_rebuilt_only_when_something_changed(small_book, capsys):
    built, stage = small_book / "_build/html", small_book / "_build/stage"
    sources = {path: path.read_bytes() for path in (small_book / "book").rglob("*") if path.is_file()}
    assert _status(["book"]) == 0
    assert capsys.readouterr().out.endswith(f"The book: {built / 'index.html'}\n")
    assert "book/index.html" in (built / "index.html").read_text()
    assert "0 0.5 ['conv1'] True part" in text(built / "book/part/01_first.html")
    assert "not testable" in (built / "book/scorecard.html").read_text()
    assert all(path.read_bytes() == content for path, content in sources.items())

    assert _status(["book"]) == 0
    said = capsys.readouterr().out
    assert said.count("nothing changed") == 3

    (small_book / "book/index.md").write_text("# Small\n\nSee [](nowhere.md).\n")
    assert _status(["book"]) == 1, "a broken link is a warning, and a warning an error"
    assert "the site was not built" in capsys.readouterr().err
    assert (built / "index.html").is_file(), "the former site stays"

    (small_book / "book/index.md").write_text("# Smaller\n\nMended.\n")
    assert _status(["book", "--profile", "smoke"]) == 0
    assert "Mended" in (built / "book/index.html").read_text()
    (small_book / "book/index.md").write_text("# Smallest\n\nMended.\n")
    assert capsys.readouterr().out.count("reading") == 4, "what was read in the build that failed is read again"
    assert _status(["book", "--profile", "smoke"]) == 0
    assert re.findall("reading sources.*", capsys.readouterr().out) == ["reading sources... [100%] book/index"]
    assert "Smallest" in text(built / "book/scorecard.html"), "which was written anew for it"
    assert "0 1.0 ['conv1'] True part" in text(built / "book/part/01_first.html")
    page = (stage / "book/part/01_first.ipynb").read_text()
    assert str(small_book) not in page and "papermill" not in page


def test_a_comment_in_the_package_writes_only_the_pages_that_show_it(small_book, capsys):
    (small_book / "arae_core").mkdir()
    (small_book / "book/index.md").write_text("# Small\n\n```{literalinclude} ../arae_core/shown.py\n```\n")
    for comment, written in [("# one", 4), ("# two", 1)]:
        (small_book / "arae_core/shown.py").write_text(comment)
        assert _status(["book"]) == 0
        assert len(re.findall("site: writing output", capsys.readouterr().out)) == written
        assert comment in text(small_book / "_build/html/book/index.html")
    assert "book/index.html" in (small_book / "_build/html/index.html").read_text()


def test_a_site_that_somebody_else_wrote_into_is_built_again(tmp_path, monkeypatch):
    built = []

    def stand_in(stage, scratch):
        built.append(stage)
        (scratch / "html").mkdir(parents=True)
        (scratch / "html/index.html").write_text("ours")
        return scratch / "html"

    monkeypatch.setattr(build, "_built", stand_in)
    for digest, change, times in [("a", None, 1), ("a", None, 1), ("b", None, 2), ("b", "theirs", 3), ("b", None, 3)]:
        if change:
            (tmp_path / "html/index.html").write_text(change)
        assert build.site(tmp_path, digest, digest).read_text() == "ours" and len(built) == times


def test_refresh_stores_the_outputs_and_then_has_nothing_to_do(small_book, capsys):
    path = small_book / "book/part/01_first.ipynb"
    assert _status(["refresh"]) == 0
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.get("execution_count") for cell in cells] == [None, 1, 2]
    assert cells[-1].outputs[0].text == "0 0.5 ['conv1'] True part\n"
    assert "papermill" not in path.read_text() and str(small_book) not in path.read_text()
    assert "not testable" in (small_book / "book/_generated/scorecard.md").read_text()
    capsys.readouterr()
    assert _status(["refresh"]) == 0
    assert capsys.readouterr().out.endswith("nothing changed\n")


def test_refresh_stores_nothing_when_a_chapter_fails(small_book, write):
    path = small_book / "book/part/02_second.ipynb"
    write(path, "1 / 0", parameters="profile = 'default'")
    before = {p: p.read_bytes() for p in (small_book / "book").rglob("*") if p.is_file()}
    assert _status(["refresh"]) == 1
    assert {p: p.read_bytes() for p in (small_book / "book").rglob("*") if p.is_file()} == before


def test_one_build_at_a_time(small_book):
    with build.building(small_book), pytest.raises(Refused, match="another build"):
        with build.building(small_book):
            pass


def test_jupyter_book_2_is_refused(monkeypatch):
    monkeypatch.setattr(build, "installed", lambda names: {"jupyter-book": "2.0.1"})
    with pytest.raises(Refused, match="needs Jupyter Book 1, and here is 2.0.1"):
        build.require_jupyter_book()


def record(folder, name, *, seed=0, profile="default", robust=2.0, **parameters):
    metrics = {f"psnr/{encoder}/x": {"value": value, "std": 1.0, "n": 9}
               for encoder, value in [("standard", 1.0), ("robust", robust)]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(dict(
        chapter="first", profile=profile, data={"name": "photos", "digest": f"d{seed}", "notes": ""}, seed=seed,
        parameters={"seed": seed, **parameters}, seconds=1, device="cpu", versions={}, commit=None, dirty=None,
        created="2026", metrics=metrics, left_out={})))
    return folder / f"{name}.json"


def test_the_scorecard_is_drawn_from_the_build_and_from_reference_runs(small_book, tmp_path):
    reference = small_book / "book/reference/default/records"
    for seed in (0, 1, 2):
        record(reference, f"seed{seed}", seed=seed, robust=2.0 + 0.1 * seed)
    record(small_book / "book/reference/cifar10/records", "one", profile="cifar10")
    own = record(tmp_path, "own", robust=2.5)
    card = generated(small_book, [own])["book/_generated/scorecard.md"]
    assert "3\u00a0seeds" in card and "+1.27" in card, "the build's seed 0 counts, with the committed seeds 1 and 2"
    assert "## Profile `default`" in card and "## Profile `cifar10`" in card
    other = record(tmp_path, "other", robust=2.5, epochs=9)
    assert "1\u00a0seed" in generated(small_book, [other])["book/_generated/scorecard.md"]


# Pages


@pytest.fixture
def ran(monkeypatch):
    """The chapters that papermill's stand-in has executed; it fails those in `ran.failing`, and calls `ran.meanwhile`."""
    class Ran(list):
        failing: set[str] = set()
        asked: tuple[Path, ...] = ()
        meanwhile = staticmethod(lambda chapter: None)

    def execute(chapter, at, target, *_):
        ran.append(chapter.name)
        if chapter.name in ran.failing:
            raise RunFailed(f"{chapter.name} failed", "ValueError: why")
        shutil.copy(chapter.path, target)
        (target.parent / "records").mkdir()
        (target.parent / "records" / f"{chapter.name}.json").write_text("{}")
        ran.meanwhile(chapter)
        used = ["arae_core", "arae_core.attacks.pgd"] if chapter.name == "first" else ["arae_core"]
        return dict(modules=used, asked=[*map(str, ran.asked)], lpips=ran.lpips, memory=0.1)

    ran = Ran()
    ran.lpips = None
    monkeypatch.setattr(runs, "_execute", execute)
    monkeypatch.setattr(build, "_TOGETHER", 1)  # so that their order is known
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


def built(root: Path, profile="default") -> dict[str, Path]:
    return build.execute_changed(chapters_in_order(root), profile, root / "_build")


def edit(path: Path, change) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_only_what_changed_is_executed(small_book, ran):
    first = built(small_book)
    assert ran == ["second", "first"] and all(page.is_file() for page in first.values())
    assert built(small_book) == first and len(ran) == 2
    edit(small_book / "book/part/01_first.ipynb", lambda nb: nb.cells[-1].update(source="1"))
    built(small_book)
    assert ran[2:] == ["first"]
    built(small_book, "smoke")
    built(small_book)
    assert ran[3:] == ["second", "first"], "each profile's pages are kept"


def test_two_run_at_a_time_and_share_the_cores(small_book, ran, monkeypatch):
    both, threads = threading.Barrier(2, timeout=20), []
    monkeypatch.setattr(build, "_TOGETHER", 2)
    monkeypatch.setattr(build, "available_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    execute = runs._execute

    def waits(*its):
        both.wait()  # alone, a chapter would wait for ever
        threads.append(its[-1]["env"]["OMP_NUM_THREADS"])
        return execute(*its)

    monkeypatch.setattr(runs, "_execute", waits)
    assert list(built(small_book)) == ["second", "first"] and set(ran) == {"first", "second"} and threads == ["3", "3"]


def test_what_makes_a_page_outdated(small_book, package, ran, monkeypatch):
    chapter, committed = find_chapter(small_book, "first"), small_book / "book/reference/default/records"
    committed.mkdir(parents=True)
    (committed / "first-0.json").write_text("{}")
    ran.asked = (committed / "first-0.json", committed / "first-*.json", small_book / "book/claims.yaml")
    ran.lpips = False
    monkeypatch.setattr("arae_core.metrics.lpips_available", lambda: (False, "no weights"))
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
    assert changed() and changed(eps=0.7)
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
    monkeypatch.setattr("arae_core.metrics.lpips_available", lambda: (True, ""))
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
          "sys.modules['arae_core.store'] = types.SimpleNamespace(asked={" + repr(str(small_book / "book/claims.yaml")) + "})")
    runs.run(chapter, settings("first", root=small_book), small_book / "out")
    made = json.loads((small_book / "out" / MANIFEST).read_text())
    assert {"arae_book.profiles", "arae_core.seeds"} < made["modules"].keys() and "arae_book.runs" not in made["modules"]
    assert list(made["asked"]) == ["book/claims.yaml"] and made["lpips"] is None
    assert 0.01 < made["memory"] < 4 and made["seconds"] > 0 and made["settings"]["eps"] == 0.5


def test_a_failed_chapter_lets_the_others_run_and_is_not_kept(small_book, ran):
    ran.failing = {"second"}
    with pytest.raises(RunFailed, match="second failed"):
        built(small_book)
    ran.failing = set()
    built(small_book)
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
            built(small_book)
        ran.meanwhile = lambda chapter: None
        ran.clear()
        built(small_book)
        assert "first" in ran


def test_a_missing_profile_is_refused_before_any_chapter_runs(small_book, ran):
    (small_book / "book/profiles/smoke.yaml").write_text("second: {}\n")
    with pytest.raises(Refused, match="first has no profile 'smoke'"):
        built(small_book, "smoke")
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
    published = nbformat.reads(build.published(path), as_version=4)
    assert published.metadata == {"widgets": {"state": {"a": {}}}, "language_info": {"name": "python"}}
    assert [dict(cell.metadata) for cell in published.cells] == [{}, {"tags": ["parameters"]}, {}]
    assert published.cells[-1].execution_count == 2
