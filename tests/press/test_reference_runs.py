"""`arae reference`: what is missing, what is made, what a stopped command goes on with, what is collected."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from arae_book.cli import _status
from arae_book import probe, reference, reference_plan
from arae_book.chapters import find_root
from arae_book.costs import Cost
from arae_book.reference_plan import cost_of
from arae_book.reference_runs import FILE, reference_runs
from arae_core.results import EXTENT, Record

PARAMETERS = {"profile": "smoke", "seed": 0, "eps": 0.5, "layers": ["conv1"], "name": "quick"}


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(reference_plan, "has_gpu", lambda: False)


@pytest.fixture
def listed(trace, small_book):
    """`listed(*entries, points=…)` writes the list of runs at profile smoke; returns the book's root."""
    def write(*entries, points=()):
        (small_book / FILE).parent.mkdir(parents=True, exist_ok=True)
        (small_book / FILE).write_text(json.dumps({"points": dict(points), "profiles": {"smoke": list(entries)}}))
        return small_book

    return write


def record(folder, point=None, chapter="first", profile="smoke", **parameters):
    """Write a record of the chapter with these parameters into folder/records."""
    parameters = {**PARAMETERS, **parameters}
    data = {"name": "none", "digest": "", "notes": ""}
    return Record(chapter, profile, data, parameters["seed"], parameters, 1.0, "cpu", {}, None, None, "",
                  point=point or {}).write(folder / "records")


def made(store, seed=0, point=None, **parameters):
    """A finished run's folder, as somebody's `arae run --out` left it."""
    folder = store / "reference" / "smoke" / f"first-seed{seed}"
    record(folder, point, seed=seed, **parameters)
    return folder


def kept(root):
    return sorted((r.seed, r.parameters["eps"], json.dumps(r.point)) for r in
                  map(Record.read, (root / "book/reference/smoke/records").glob("*.json")))


def ends(its_trace, seconds=60.0):
    """Return when the kernel that noted itself there is gone, or dead and not reaped."""
    deadline = time.monotonic() + seconds
    while running(its_trace.read_text().split()):
        assert time.monotonic() < deadline, f"the kernel of {its_trace.name} still runs"
        time.sleep(0.05)


def running(noted):
    try:
        return not noted or psutil.Process(int(noted[0])).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def make(*arguments):
    return _status(["reference", "--profile", "smoke", *arguments])


def test_what_is_missing_is_made_once_and_collected(listed, runs, own_store, capsys):
    root = listed({"chapter": "first", "seeds": [0, 3]},
                  {"chapter": "first", "seeds": [5], "parameters": {"eps": 2, "layers": ["conv1", "conv2"]}})
    assert make("--plan") == 0
    assert capsys.readouterr().out.splitlines() == [
        "first seed 0                                     missing; no estimate",
        "first seed 3                                     missing; no estimate",
        'first seed 5 (eps 2, layers ["conv1", "conv2"])  missing; no estimate',
        "0 of 3 runs are done, 3 to make: no estimate"]
    assert runs() == {} and not own_store.exists()

    assert make("--seed", "3", "--seed", "5") == 0
    out = capsys.readouterr().out.splitlines()
    assert "[1/2] first seed 3: begins" in out
    assert f"first seed 3: collected into {root / 'book/reference/smoke'}" in out
    assert runs() == {"eps=0.5,seed=3": 1, "eps=2,seed=5": 1}
    assert kept(root) == [(3, 0.5, "{}"), (5, 2, "{}")]
    costs = [Cost.read(path) for path in (root / "book/reference/costs").glob("*.json")]
    assert [cost.given for cost in costs] == [{"seed": 5, "eps": 2, "layers": ["conv1", "conv2"]}]

    assert make() == 0
    assert runs() == {"eps=0.5,seed=0": 1, "eps=0.5,seed=3": 1, "eps=2,seed=5": 1}
    capsys.readouterr()
    assert make() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 of 3 runs are done"
    assert sum(runs().values()) == 3


def test_a_failed_run_does_not_keep_the_others_from_running(listed, trace, runs, capsys):
    root = listed({"chapter": "first", "seeds": [0], "parameters": {"eps": 1}}, {"chapter": "first", "seeds": [1]})
    (trace / "fails-1").touch()
    assert make() == 1
    said = capsys.readouterr()
    assert "[1/2] first seed 0 (eps 1): failed: first failed in cell 4/4 (A chapter): RuntimeError: eps is no" in said.out
    assert said.err.splitlines()[-1] == ("arae: 1 of 2 runs failed: first seed 0 (eps 1); the same command tries "
                                         "those again")
    assert kept(root) == [(1, 0.5, "{}")]
    (trace / "fails-1").unlink()
    assert make() == 0
    assert kept(root) == [(0, 1, "{}"), (1, 0.5, "{}")] and runs() == {"eps=0.5,seed=1": 1, "eps=1,seed=0": 2}


@pytest.mark.parametrize("number, code", [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_after_a_kill_the_same_command_goes_on(listed, trace, runs, wait_for, number, code):
    root = listed({"chapter": "first", "seeds": [0]}, {"chapter": "first", "seeds": [1], "parameters": {"eps": 2}})
    (trace / "waits-2").touch()
    with subprocess.Popen([sys.executable, "-m", "arae_core", "reference", "--profile", "smoke"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(trace / "eps=2,seed=1")
        process.send_signal(number)
    assert process.returncode == code and kept(root) == [(0, 0.5, "{}")]
    # A kernel notices within a second or so that who started it is gone; let go before, it would finish its run.
    ends(trace / "eps=2,seed=1")
    (trace / "waits-2").unlink()
    assert make() == 0
    assert kept(root) == [(0, 0.5, "{}"), (1, 2, "{}")] and runs() == {"eps=0.5,seed=0": 1, "eps=2,seed=1": 2}


def test_ctrl_c_during_a_training_ends_it_and_says_how_to_go_on(listed, monkeypatch, capsys, wait_for, tmp_path):
    from arae_core.training import recipes

    listed({"chapter": "first", "seeds": [0]})
    monkeypatch.setitem(recipes.CHAPTERS, "first", None)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text(f"#!/bin/sh\ntrap 'touch {tmp_path}/saved; exit 143' TERM\ntouch {tmp_path}/began\n"
                                     "while :; do sleep 0.1; done\n")
    (tmp_path / "python").chmod(0o755)

    def stop():
        wait_for(tmp_path / "began")
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        assert make() == 130
    finally:
        signal.signal(signal.SIGINT, before)
        stopper.join()
    assert (tmp_path / "saved").exists() and "the same command goes on from there" in capsys.readouterr().err


def test_a_run_that_somebody_made_is_collected_as_it_is(listed, runs, own_store, capsys):
    root = listed({"chapter": "first", "seeds": [0, 1]})
    made(own_store)
    made(own_store, seed=1, eps=3)  # of other parameters
    assert make("--plan") == 0
    assert capsys.readouterr().out.splitlines()[0] == "first seed 0  missing; made already, to be collected"
    assert make() == 0
    assert kept(root) == [(0, 0.5, "{}"), (1, 0.5, "{}")] and runs() == {"eps=0.5,seed=1": 1}


def test_outdated_records_give_way_and_others_stay(listed, own_store, capsys):
    root = listed({"chapter": "first", "seeds": [0]}, points={"first": {"layer": "layers"}})
    committed = root / "book/reference/smoke"
    record(committed, eps=1.0)
    record(committed, {"layer": "conv9"}, name="older")
    other = [record(committed, seed=7, eps=1.0), record(committed, chapter="second"), record(committed, profile="default")]
    assert make("--plan") == 0
    assert capsys.readouterr().out.splitlines()[0] == "first seed 0  outdated: eps, name; no estimate"
    made(own_store)
    made(own_store, point={"layer": "conv1"})
    assert make() == 0
    assert all(path.exists() for path in other)
    ours = [r for r in map(Record.read, (committed / "records").glob("*.json"))
            if (r.chapter, r.profile, r.seed) == ("first", "smoke", 0)]
    assert sorted(map(str, (r.point for r in ours))) == ["{'layer': 'conv1'}", "{}"]
    assert all(r.parameters == PARAMETERS for r in ours)


def test_a_run_is_done_when_all_its_points_are_there(listed, capsys):
    root = listed({"chapter": "first", "seeds": [0], "parameters": {"layers": ["conv1", "conv2"]}},
                  points={"first": {"layer": "layers"}})
    layers = ["conv1", "conv2"]
    record(root / "book/reference/smoke", layers=layers)
    record(root / "book/reference/smoke", {"layer": "conv1"}, layers=layers)
    assert make("--plan") == 0
    assert "1 of 3 records missing" in capsys.readouterr().out
    record(root / "book/reference/smoke", {"layer": "conv2"}, layers=layers)
    assert make("--plan") == 0
    assert "1 of 1 runs are done" in capsys.readouterr().out


def noise(path, side):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def test_pictures_and_models_of_the_first_seed_are_kept_small(listed, own_store, capsys):
    root = listed({"chapter": "first", "seeds": [0, 1], "pictures": ["small", "large", "huge", "none"],
                   "models": {"robust conv5 pixel+feature": "robust-generator", "standard": "standard-encoder"}})
    for seed in (0, 1):
        folder = made(own_store, seed=seed)
        for name, side in (("small", 50), ("large", 400), ("huge", 1500), ("unnamed", 50)):
            noise(folder / "pictures" / f"{name}.png", side)
        (folder / "models").mkdir()
        for name in ("robust-conv5-pixel+feature", "standard"):
            (folder / "models" / f"{name}.safetensors").write_bytes(f"{name} {seed}".encode())
    committed = root / "book/reference/smoke"
    noise(committed / "pictures/large.png", 10)
    assert make() == 1
    out = capsys.readouterr().out
    assert "large is kept as WebP, since its PNG is larger than 300 KiB: pages that show it must name large.webp" in out
    assert "huge.png is larger than 300 KiB even as WebP: it is not kept" in out
    assert "first seed 0 has drawn no picture none" in out
    assert sorted(path.name for path in (committed / "pictures").iterdir()) == ["large.webp", "small.png"]
    assert Image.open(committed / "pictures/large.webp").size == (400, 400)
    assert (committed / "models/robust-generator.safetensors").read_bytes() == b"robust-conv5-pixel+feature 0"
    assert (committed / "models/standard-encoder.safetensors").read_bytes() == b"standard 0"
    assert make("--plan") == 0
    assert "first seed 0  missing: huge, none; made already, to be collected" in capsys.readouterr().out


def test_what_needs_a_gpu_is_left_and_said_unless_its_chapter_is_named(listed, runs, capsys, monkeypatch):
    listed({"chapter": "first", "seeds": [0], "needs": "gpu"})
    assert make() == 0
    assert "first seed 0  missing; left for a machine with a GPU" in capsys.readouterr().out and not runs()
    assert make("first", "--plan") == 0
    assert "left for" not in capsys.readouterr().out
    monkeypatch.setattr(reference_plan, "has_gpu", lambda: True)
    assert make() == 0
    assert runs() == {"eps=0.5,seed=0": 1}


def test_training_comes_first_and_is_kept_where_notebooks_cannot_run(listed, runs, own_store, monkeypatch, capsys):
    from arae_core.training import recipes

    trained, answer = [], [""]

    def run_arae(words, log, environment):
        trained.append(words)
        return answer[0]

    monkeypatch.setitem(recipes.CHAPTERS, "first", None)
    monkeypatch.setattr(reference, "run_arae", run_arae)
    monkeypatch.setattr(reference, "find_spec", lambda name: name != "papermill" and importlib.util.find_spec(name))
    root = listed({"chapter": "first", "seeds": [0], "parameters": {"layers": ["conv5"], "name": "a name"},
                   "models": {"standard": "standard-encoder"}})
    assert make() == 0
    assert """(layers ["conv5"], name "a name"): trained; its notebook needs papermill, not installed here""" \
        in capsys.readouterr().out
    assert not runs()
    folder = own_store / "reference/smoke/first-seed0"
    assert trained == [["train", "first", "--profile", "smoke", "-p", "seed", "0", "-p", "layers", '["conv5"]', "-p",
                        "name", "a name", "--out", str(folder / "models")]]

    answer[0] = "first: no memory left"
    assert make() == 1
    assert """(layers ["conv5"], name "a name"): failed: first: no memory left""" in capsys.readouterr().out
    answer[0] = ""
    made(own_store, layers=["conv5"], name="a name")  # without its models
    assert make() == 1
    assert len(trained) == 3 and "has left no model 'standard'" in capsys.readouterr().out
    assert not (root / "book/reference/smoke/models").exists()


def test_missing_data_is_one_line_and_the_others_go_on(listed, write, small_book, runs, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "nowhere"))
    write(small_book / "book/part/02_second.ipynb", parameters="profile = 'default'\nseed = 0\ndataset = 'cifar10'")
    write(small_book / "book/part/03_third.ipynb", parameters="profile = 'default'\nseed = 0\npictures = ['denoise/a']")
    (small_book / "book/profiles/third").mkdir()
    (small_book / "book/profiles/third/smoke.yaml").write_text("profile: smoke\n")
    listed(*({"chapter": name, "seeds": [0]} for name in ("second", "third", "first")))
    assert make() == 1
    said = capsys.readouterr()
    assert "second seed 0: failed: cifar10 is not here (not found under" in said.out
    assert "third seed 0: failed: denoise/a is not here. Looked at (from $ARAE_DATA):" in said.out
    assert runs() == {"eps=0.5,seed=0": 1}
    assert said.err.startswith("arae: 2 of 3 runs failed") or "arae: 2 of 3 runs failed" in said.err


def test_a_notebook_without_records_has_failed(listed, write, small_book, capsys):
    write(small_book / "book/part/02_second.ipynb", parameters="profile = 'default'\nseed = 0")
    listed({"chapter": "second", "seeds": [0]})
    assert make() == 1
    assert "its notebook left no records of its parameters in" in capsys.readouterr().out


@pytest.mark.parametrize("entry, arguments, said", [
    ({"chapter": "frst", "seeds": [0]}, [], "book/reference/runs.yaml: there is no chapter 'frst'; did you mean first?"),
    ({"chapter": "first", "seeds": [0], "parameters": {"esp": 1}}, [], "has no parameter 'esp'; did you mean eps?"),
    ({"chapter": "first", "seeds": [0], "parameters": {"eps": "x"}}, [], "eps of first takes a number"),
    ({"chapter": "first", "seeds": []}, [], "seeds of first is a list of whole numbers, not []"),
    ({"chapter": "first", "seeds": [0, 0]}, [], "smoke has first-seed0 twice"),
    ({"chapter": "first", "seeds": [0], "need": "gpu"}, [], "a run has chapter and seeds, and may have"),
    ({"chapter": "first", "seeds": [0], "needs": "tpu"}, [], "needs is gpu"),
    ({"chapter": "first", "seeds": [0]}, ["second"], "has no run of chapter second at profile smoke"),
    ({"chapter": "first", "seeds": [0]}, ["--seed", "4"], "has no run of seed 4 at profile smoke; there is 0"),
    ({"chapter": "first", "seeds": [0]}, ["--profile", "smke"], "has no profile 'smke'; did you mean smoke?"),
])
def test_refusals_are_one_line(listed, runs, capsys, entry, arguments, said):
    listed(entry)
    assert make(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("arae: ") and error.count("\n") == 1 and said in error and not runs()


def test_a_broken_list_or_record_is_refused(listed, small_book, capsys):
    listed({"chapter": "first", "seeds": [0]}, points={"first": {"eps": "radii"}})
    assert make() == 2
    assert "points: eps is to run over 'radii', which is no list" in capsys.readouterr().err
    root = listed({"chapter": "first", "seeds": [0]})
    (root / "book/reference/smoke/records").mkdir(parents=True)
    (root / "book/reference/smoke/records/half.json").write_text('{"chapter": ')
    assert make() == 2
    assert "half.json is no whole JSON file" in capsys.readouterr().err
    for text, said in (("a: [", "is no YAML"), ("- 1", "must hold `profiles:`")):
        (small_book / FILE).write_text(text)
        assert make() == 2
        assert said in capsys.readouterr().err
    (small_book / FILE).unlink()
    assert make() == 2
    assert "the list of reference runs, cannot be read" in capsys.readouterr().err


def test_estimates_come_from_costs_and_leave_out_what_the_store_has(listed, own_store, capsys, monkeypatch):
    root = listed({"chapter": "first", "seeds": [0, 1]}, {"chapter": "first", "seeds": [2], "parameters": {"eps": 1}},
                  {"chapter": "second", "seeds": [0]})
    (root / "book/part/02_second.ipynb").write_text((root / "book/part/01_first.ipynb").read_text())
    machine = {"device": "cpu", "cores": 2, "bf16": True}
    models = [{"name": name, "found": False, "trained": 600.0, "spent": 600.0} for name in ("a", "b")]
    whole = Cost("first", "smoke", {}, 1500.0, models, 1.0, None, machine, 2, 1000.0, {}, None, None, "2026-01-01")
    part = Cost("first", "smoke", {"eps": 1, "seed": 2}, 120.0, [], 1.0, None, machine, 2, 1000.0, {}, None, None, "")
    for cost in (whole, part):
        cost.write(root / "book/reference/costs")
    monkeypatch.delenv("ARAE_ESTIMATE")
    monkeypatch.setattr(probe, "speed_here", lambda: 500.0)
    assert make("--plan") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("missing; at most about 50 minutes") and lines[2].endswith("at most about 4 minutes")
    assert lines[3].endswith("missing; no estimate")
    assert lines[4] == "0 of 4 runs are done, 4 to make: at most about 1.7 hours, and 1 without an estimate"

    (own_store / "models").mkdir(parents=True)
    (own_store / "models/a.safetensors").touch()  # of seed 0
    first, second, *_ = reference_runs(root, "smoke")
    assert cost_of(first, [whole], None).from_nothing == 900 and cost_of(second, [whole], None).from_nothing == 1500


def test_the_book_lists_runs_of_all_its_profiles():
    root = find_root()
    sizes = {profile: len(reference_runs(root, profile)) for profile in
             ("default", "kaiming", "folders", "cifar10", "cifar10-folders", "cifar10-resnet",
              "cifar10-resnet-pair", "tiny-imagenet", "paper")}
    assert sizes["default"] == 27 and sizes["cifar10"] == 15
    for profile in sizes:  # else their records could not stand beside those of other seeds
        assert all(run.given.keys() <= EXTENT for run in reference_runs(root, profile))
    sweep = reference_runs(root, "cifar10", ["robustness_sweep"])[0]
    assert [point.get("eps") for point in sweep.points] == [None, 0.0, 0.0625, 0.125, 0.25, 0.375, 0.5, 0.75]
