"""`arae book` and `arae refresh` on a small book, Jupyter Book included."""

from __future__ import annotations

import html
import json
import re

import nbformat
import pytest

from arae_book import build, pages
from arae_book.build import sync
from arae_book.chapters import Refused
from arae_book.cli import _status
from arae_book.generated import generated
from arae_book.runs import RunFailed


def test_sync_removes_what_is_stale_and_leaves_what_is_the_same(tmp_path):
    target = tmp_path / "target"
    sync(target, {"a/b/c.md": b"c", "same.md": b"same", "d.md": b"old", "e": b"a file"})
    before = (target / "same.md").stat().st_mtime_ns
    sync(target, {"same.md": b"same", "d.md": b"new", "e/now_a_folder.md": b""})
    assert {p.relative_to(target).as_posix() for p in target.rglob("*")} == {
        "same.md", "d.md", "e", "e/now_a_folder.md"}
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
    assert "not run" in (built / "book/scorecard.html").read_text()
    assert all(path.read_bytes() == content for path, content in sources.items())

    assert _status(["book"]) == 0
    said = capsys.readouterr().out
    assert said.count("nothing changed") == 3

    (small_book / "book/index.md").write_text("# Small\n\nSee [](nowhere.md).\n")
    assert _status(["book"]) == 1, "a broken link is a warning, and a warning an error"
    assert "the site was not built" in capsys.readouterr().err
    assert (built / "index.html").is_file(), "the former site stays"

    (small_book / "book/index.md").write_text("# Small\n\nMended.\n")
    assert _status(["book", "--profile", "smoke"]) == 0
    assert "Mended" in (built / "book/index.html").read_text()
    assert "0 1.0 ['conv1'] True part" in text(built / "book/part/01_first.html")
    page = (stage / "book/part/01_first.ipynb").read_text()
    assert str(small_book) not in page and "papermill" not in page


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
        assert build.site(tmp_path, digest).read_text() == "ours" and len(built) == times


def test_refresh_stores_the_outputs_and_then_has_nothing_to_do(small_book, capsys):
    path = small_book / "book/part/01_first.ipynb"
    assert _status(["refresh"]) == 0
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.get("execution_count") for cell in cells] == [None, 1, 2]
    assert cells[-1].outputs[0].text == "0 0.5 ['conv1'] True part\n"
    assert "papermill" not in path.read_text() and str(small_book) not in path.read_text()
    assert "not run" in (small_book / "book/_generated/scorecard.md").read_text()
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
    monkeypatch.setattr(build, "version", lambda name: "2.0.1")
    with pytest.raises(Refused, match="2.0.1 cannot build this book"):
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


def test_an_unreadable_record_is_named(small_book, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(RunFailed, match="broken.json"):
        generated(small_book, [tmp_path / "broken.json"])


def test_records_lie_beside_the_pages(small_book, tmp_path):
    own = record(tmp_path / "records", "own")
    assert pages.records_of({"first": tmp_path / "first.ipynb"}) == [own]
