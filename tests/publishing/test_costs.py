"""What a run costs: the record that a real run leaves, the tables drawn from records, and what they leave alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from arae_core.publishing import cost_tables, costs, pages, probe
from arae_core.publishing.chapters import chapters_in_order, find_chapter
from arae_core.publishing.costs import Cost, CostError
from arae_core.publishing.execute import RunFailed, run
from arae_core.publishing.generated import generated
from arae_core.publishing.parameters import settings
from arae_core.publishing.stage import staged, with_second_cell


def model(name, trained, spent=0.0):
    return {"name": name, "found": not spent, "trained": trained, "spent": spent}


@pytest.fixture
def cost():
    """A run of 100 s, 60 s of which trained a model; another model, of 200 s, was found."""
    return Cost("first", "default", {}, 100.0, [model("classifier-a", 60.0, 60.5), model("inverter-b", 200.0)], 1.25,
                None, {"device": "cpu", "cores": 2, "bf16": True}, 2, 4000.0, {"python": "3.11"}, "abc", False, "2026")


@pytest.fixture
def keep(small_book):
    """Lay these among the book's committed costs."""
    return lambda *kept: [cost.write(small_book / costs.FOLDER) for cost in kept]


def executed(root, out, **given):
    chapter = find_chapter(root, "first")
    run(chapter, settings(chapter, given.pop("profile", "default"), [(n, str(v)) for n, v in given.items()]), out)
    (path,) = (out / "costs").iterdir()
    return Cost.read(path)


TRAINS = """
import json, pathlib, torch
from arae_core.training.checkpoint import find_else_train
def train(state_file):
    import time
    time.sleep(0.5)
    return [{"seconds": 0.3}, {"seconds": 0.2}]
trained = find_else_train(torch.nn.Linear(2, 2), "classifier-tiny", train, {"config": json.dumps({"batch_size": 1})})
again = find_else_train(torch.nn.Linear(2, 2), "classifier-tiny", train, {"config": json.dumps({"batch_size": 1})})
print(trained.found, again.found)
"""


def test_a_real_run_tells_its_models_its_memory_and_its_machine(small_book, write, tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(probe, "_measured", [1234.5])
    write(small_book / "book/part/01_first.ipynb", TRAINS)
    cost = executed(small_book, tmp_path / "out", seed=3)
    (tiny,) = cost.models  # asked for twice, trained once
    assert tiny["name"] == "classifier-tiny" and not tiny["found"] and tiny["trained"] == 0.5
    assert 0.5 <= tiny["spent"] < cost.seconds
    assert cost.kept == pytest.approx(cost.seconds - tiny["spent"])
    assert cost.from_nothing == pytest.approx(cost.kept + 0.5)
    assert 0.05 < cost.memory < 4 and cost.gpu_memory is None
    assert cost.machine.keys() == {"device", "cores", "bf16"} and cost.machine["device"] == "cpu"
    assert cost.machine["cores"] >= 1 and cost.threads >= 1
    assert isinstance(cost.machine["bf16"], bool) and "torch" in cost.versions
    assert (cost.chapter, cost.profile, cost.given, cost.speed) == ("first", "default", {"seed": 3}, 1234.5)
    assert str(tmp_path) not in json.dumps(cost.__dict__)


def test_a_run_without_torch_has_a_cost_and_leaves_torch_alone(small_book, tmp_path):
    small = executed(small_book, tmp_path / "out", profile="smoke")
    assert small.profile == "smoke" and small.given == {} and small.models == []
    assert 0.02 < small.memory < 0.5 and small.kept == small.from_nothing == small.seconds
    assert list(small.versions) == ["python"] and small.threads is None
    page = nbformat.read(tmp_path / "out/first.ipynb", as_version=4)
    assert "footprint" not in json.dumps(page), "the last question is asked in no cell's name"


def test_a_notebook_that_breaks_its_account_still_runs(small_book, write, tmp_path):
    source = "import os, pathlib; pathlib.Path(os.environ['ARAE_ACCOUNT']).write_text('no JSON')"
    write(small_book / "book/part/01_first.ipynb", source)
    chapter = find_chapter(small_book, "first")
    assert run(chapter, {}, tmp_path / "out").is_file()
    assert not (tmp_path / "out/costs").exists()


def test_what_is_beyond_the_profile(small_book):
    first = find_chapter(small_book, "first")
    for profile, given, wanted in [("default", [], {}), ("smoke", [], {}), ("smoke", [("eps", "2")], {"eps": 2}),
                                   ("default", [("eps", "0.5"), ("seed", "0")], {})]:
        assert costs.beyond_the_profile(first, settings(first, profile, given)) == (profile, wanted)
    assert costs.beyond_the_profile(first, {"profile": "of my own"}) == ("default", {})


def test_both_times_and_the_file(cost, tmp_path):
    assert cost.kept == 39.5 and cost.from_nothing == 299.5
    path = cost.write(tmp_path)
    assert Cost.read(path) == cost and path.name.startswith("first-default-")
    assert replace(cost, seconds=1.0, created="2027").write(tmp_path) == path, "a rerun replaces its own"
    assert replace(cost, machine={**cost.machine, "cores": 8}).write(tmp_path) != path
    assert replace(cost, given={"seed": 1}).write(tmp_path) != path
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("text", ["{", "[]", "{}", "null"])
def test_a_damaged_record_is_one_error(small_book, keep, cost, text):
    (path,) = keep(cost)
    path.write_text(text)
    with pytest.raises(CostError, match=rf"{path.name} is no cost record .*: delete it, or run the chapter again"):
        costs.recorded(small_book)
    with pytest.raises(RunFailed, match=path.name):
        staged(small_book, {})
    with pytest.raises(RunFailed, match=path.name):
        generated(small_book, [])


@pytest.mark.parametrize("change", [{"seconds": -1}, {"seconds": None}, {"memory": float("nan")}, {"models": [{}]},
                                    {"machine": {"device": "cpu"}}, {"host": "x"}])
def test_a_record_with_a_wrong_field_is_refused(cost, tmp_path, change):
    path = cost.write(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CostError, match="is no cost record"):
        Cost.read(path)


def test_runs_with_parameters_of_their_own_are_no_examples(small_book, keep, cost):
    keep(cost, replace(cost, given={"eps": 2.0}))
    assert costs.recorded(small_book) == [cost]


def test_costs_are_no_part_of_a_pages_digest(small_book, keep, cost):
    chapter = find_chapter(small_book, "first")
    before = pages.digest(chapter, {})
    keep(cost)
    assert pages.digest(chapter, {}) == before
    other = small_book / "book/reference/default/costs/a.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    assert pages.digest(chapter, {}) != before, "only that one folder is left out"


def test_the_box_of_a_chapter(small_book, cost):
    first, second = find_chapter(small_book, "first"), find_chapter(small_book, "second")
    gpu = replace(cost, profile="smoke", gpu_memory=3.0, memory=None,
                  machine={"device": "cuda: NVIDIA A100", "cores": 8, "bf16": True})
    lines = cost_tables.box(first, [cost, gpu]).splitlines()
    assert lines[0] == ":::{admonition} Time and memory" and lines[-1] == ":::"
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == ["| `smoke` | NVIDIA A100, bf16 | 0:40 | 5:00 | not measured, GPU 3.0 GiB |",
                    "| `default` | 2 cores, bf16 | 0:40 | 5:00 | 1.2 GiB |"]
    assert "Not measured" not in "".join(lines)
    slow = replace(cost, machine={**cost.machine, "bf16": False}, threads=1, seconds=8060.5)
    assert "| `default` | 2 cores, float32, 1 thread | 2:13:20 | 2:17:40 | 1.2 GiB |" in cost_tables.box(first, [slow])
    assert "Not measured: `smoke`, `default`." in cost_tables.box(second, [cost])


def test_the_table_of_all_and_the_whole_book(small_book, keep, cost):
    chapters = chapters_in_order(small_book)
    text = cost_tables.overview(chapters, [cost])
    assert "| second |  | not measured |  |  |  |" in text and "| first | `default` |" in text
    assert "The whole book" not in text
    second = replace(cost, chapter="second", seconds=30.0, models=[model("inverter-b", 200.0)])
    keep(cost, second)
    text = generated(small_book, [])["book/_generated/costs.md"]
    # 39.5 and 30 seconds, and models of 60 and 200: the second chapter's is the first's.
    assert "The whole book at `default` (2 cores, bf16): 1:10 with its models kept, 5:30 from nothing" in text


def test_the_box_is_the_staged_pages_second_cell_and_in_no_committed_one(small_book, keep, cost, tmp_path):
    keep(cost)
    chapters = chapters_in_order(small_book)
    before = {chapter.path: chapter.path.read_bytes() for chapter in chapters}
    notebooks = {chapter.name: chapter.path for chapter in chapters}
    first, again = staged(small_book, notebooks), staged(small_book, notebooks)
    assert first == again, "the same pages give the same stage, or the site would be built each time"
    page = nbformat.reads(first["book/part/01_first.ipynb"].decode(), as_version=4)
    assert [cell.source.split("\n")[0] for cell in page.cells[:2]] == [
        "# A chapter", ":::{admonition} Time and memory"]
    assert {path: path.read_bytes() for path in before} == before
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# From before there were ids"}]
    old = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    assert '"id"' not in with_second_cell(old, "new")


def test_committed_costs_belong_to_the_books_chapters_and_profiles(root: Path):
    for cost in costs.recorded(root):
        assert cost.profile in find_chapter(root, cost.chapter).profiles()
        assert cost.dirty is False and cost.speed, f"{cost.file_name}: made from a clean commit, and with the probe"
