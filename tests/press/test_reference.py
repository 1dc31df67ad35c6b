"""`arae reference`: what is missing, what is made, what a stopped command goes on with, what is collected."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import nbformat
import numpy as np
import psutil
import pytest
from PIL import Image

from arae_book import reference
from arae_book.chapters import find_root
from arae_book.cli import _status
from arae_book.reference import FILE, reference_runs
from arae_core.results import EXTENT, Record

PARAMETERS = {"profile": "smoke", "seed": 0, "eps": 0.5, "layers": ["conv1"], "fast": True, "name": "quick"}


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


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
    assert capsys.readouterr().out.splitlines() == ["first seed 0                                       missing",
        "first seed 3                                       missing",
        'first seed 5 (eps 2.0, layers ["conv1", "conv2"])  missing', "0 of 3 runs are done, 3 to make"]
    assert runs() == {} and not own_store.exists()

    assert make("--seed", "3", "--seed", "5") == 0
    out = capsys.readouterr().out.splitlines()
    assert "[1/2] first seed 3: begins" in out
    assert f"first seed 3: collected into {root / 'book/reference/smoke'}" in out
    assert runs() == {"eps=0.5,seed=3": 1, "eps=2,seed=5": 1}
    assert kept(root) == [(3, 0.5, "{}"), (5, 2, "{}")]

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
    assert "[1/2] first seed 0 (eps 1.0): failed: first failed in cell 4/4 (A chapter): RuntimeError: eps is" in said.out
    assert said.err.splitlines()[-1] == ("arae: 1 of 2 runs failed: first seed 0 (eps 1.0); the same command tries "
                                         "those again")
    assert kept(root) == [(1, 0.5, "{}")]
    (trace / "fails-1").unlink()
    assert make() == 0
    assert kept(root) == [(0, 1, "{}"), (1, 0.5, "{}")] and runs() == {"eps=0.5,seed=1": 1, "eps=1,seed=0": 2}


@pytest.mark.parametrize("number, code", [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_after_a_kill_the_same_command_goes_on(listed, trace, runs, wait_for, number, code):
    root = listed({"chapter": "first", "seeds": [0]}, {"chapter": "first", "seeds": [1], "parameters": {"eps": 2}})
    (trace / "waits-2").touch()
    with subprocess.Popen([sys.executable, "-m", "arae_book", "reference", "--profile", "smoke"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(trace / "eps=2,seed=1")
        process.send_signal(number)
    assert process.returncode == code and kept(root) == [(0, 0.5, "{}")]
    # A kernel notices within a second or so that who started it is gone; let go before, it would finish its run.
    ends(trace / "eps=2,seed=1")
    (trace / "waits-2").unlink()
    assert make() == 0
    assert kept(root) == [(0, 0.5, "{}"), (1, 2, "{}")] and runs() == {"eps=0.5,seed=0": 1, "eps=2,seed=1": 2}


def trains(monkeypatch):
    """As if the chapter had cells tagged `trains`."""
    monkeypatch.setattr(reference, "training_cells", lambda chapter, settings: "model = 1")


def test_ctrl_c_during_a_training_ends_it_and_says_how_to_go_on(listed, monkeypatch, capsys, wait_for, tmp_path):
    listed({"chapter": "first", "seeds": [0]})
    trains(monkeypatch)
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
    root = listed({"chapter": "first", "seeds": [0]}, points={"first": [{}, {"layer": "layers"}]})
    committed = root / "book/reference/smoke"
    record(committed, eps=1.0)
    record(committed, {"layer": "conv9"}, name="older")
    other = [record(committed, seed=7, eps=1.0), record(committed, chapter="second"), record(committed, profile="default")]
    assert make("--plan") == 0
    assert capsys.readouterr().out.splitlines()[0] == "first seed 0  outdated: eps, name"
    made(own_store)
    made(own_store, point={"layer": "conv1"})
    assert make() == 0 and all(path.exists() for path in other)
    ours = [r for r in map(Record.read, (committed / "records").glob("*.json"))
            if (r.chapter, r.profile, r.seed) == ("first", "smoke", 0)]
    assert sorted(map(str, (r.point for r in ours))) == ["{'layer': 'conv1'}", "{}"]
    assert all(r.parameters == PARAMETERS for r in ours)


@pytest.mark.parametrize("whole", [[], [{}]])
def test_a_run_is_done_when_all_its_points_are_there(whole, listed, capsys):
    root = listed({"chapter": "first", "seeds": [0], "parameters": {"layers": ["conv1", "conv2"]}},
                  points={"first": [*whole, {"layer": "layers"}]})
    points = [*whole, {"layer": "conv1"}, {"layer": "conv2"}]
    for point, lacks in zip(points, ["missing", f"{len(points) - 1} of {len(points)} records missing", "1 of 3 records"]):
        assert make("--plan") == 0 and lacks in capsys.readouterr().out
        record(root / "book/reference/smoke", point, layers=["conv1", "conv2"])
    assert make("--plan") == 0 and "1 of 1 runs are done" in capsys.readouterr().out


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
    assert "large is kept as WebP, since it is larger than 300 KiB: pages that show it must name large.webp" in out
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
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert make() == 0 and runs() == {"eps=0.5,seed=0": 1}


def test_training_comes_first(listed, runs, own_store, monkeypatch, capsys, tmp_path):
    """`arae train` stands here for a script that notes its words and ends as it is told."""
    trains(monkeypatch)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text(f"#!/bin/sh\necho \"$*\" >> {tmp_path}/words\ncat {tmp_path}/says >&2\n"
                                     f"exit $(cat {tmp_path}/ends)\n")
    (tmp_path / "python").chmod(0o755)

    def answer(code, text=""):
        (tmp_path / "says").write_text(text)
        (tmp_path / "ends").write_text(str(code))

    root = listed({"chapter": "first", "seeds": [0], "parameters": {"layers": ["conv5"], "name": "a name"},
                   "models": {"standard": "standard-encoder"}})
    answer(1, "some bar\narae: first: no memory left\n")
    assert make() == 1
    assert """(layers ["conv5"], name "a name"): failed: first: no memory left""" in capsys.readouterr().out
    models = own_store / "reference/smoke/first-seed0/models"
    assert (tmp_path / "words").read_text() == (
        f'-m arae_book train first --profile smoke -p seed 0 -p layers ["conv5"] -p name a name --out {models}\n')

    answer(7)
    assert make() == 1
    assert "failed: its training ended with 7; see " in capsys.readouterr().out
    answer(0)
    made(own_store, layers=["conv5"], name="a name")  # without its models
    assert make() == 1 and "has left no model 'standard'" in capsys.readouterr().out
    assert len((tmp_path / "words").read_text().splitlines()) == 3 and not runs()
    assert not (root / "book/reference/smoke/models").exists()


def test_a_chapter_is_trained_by_its_own_cells_before_its_notebook_runs(listed, write, small_book, runs, capsys):
    path = small_book / "book/part/01_first.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("if eps_too_large(): pass", metadata={"tags": ["trains"]}))
    nbformat.write(notebook, path)
    listed({"chapter": "first", "seeds": [0]})
    assert make() == 1
    assert "failed: first: NameError: name 'eps_too_large' is not defined" in capsys.readouterr().out and not runs()


def test_missing_data_is_one_line_and_the_others_go_on(listed, write, small_book, runs, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "nowhere"))
    profiles = small_book / "book/profiles"
    (profiles / "default.yaml").write_text((profiles / "default.yaml").read_text() + "third: {pictures: [denoise/a]}\n")
    (profiles / "smoke.yaml").write_text((profiles / "smoke.yaml").read_text() + "third: {}\n")
    write(small_book / "book/part/03_third.ipynb", "from arae_book import settings\n"
          "settings('third', profile, seed=seed, given=given).require()")
    listed(*({"chapter": name, "seeds": [0]} for name in ("third", "first")))
    assert make() == 1
    said = capsys.readouterr()
    assert "Refused: pictures of third: denoise/a is not here. Looked at (from $ARAE_DATA):" in said.out
    assert runs() == {"eps=0.5,seed=0": 1} and "arae: 1 of 2 runs failed" in said.err


def test_a_notebook_without_records_has_failed(listed, capsys):
    listed({"chapter": "second", "seeds": [0]})
    assert make() == 1
    assert "its notebook left no records of its parameters in" in capsys.readouterr().out


@pytest.mark.parametrize("entry, arguments, said", [
    ({"chapter": "frst", "seeds": [0]}, [], "book/reference/runs.yaml: there is no chapter 'frst'; did you mean first?"),
    ({"chapter": "first", "seeds": [0], "parameters": {"esp": 1}}, [], "has no parameter 'esp'; did you mean eps?"),
    ({"chapter": "first", "seeds": [0], "parameters": {"eps": "x"}}, [], "eps of first takes a number"),
    ({"chapter": "first", "seeds": []}, [], "a run has a chapter and seeds, not {"),
    ({"chapter": "first", "seeds": ["0"]}, [], "seed of first takes a whole number (as 0 is), not '0'"),
    ({"chapter": "first", "seeds": [0, 0]}, [], "smoke has first seed 0 twice"),
    ({"chapter": "first", "seeds": [0], "need": "gpu"}, [], "need of first cannot be 'gpu'; a run is like"),
    ({"chapter": "first", "seeds": [0], "needs": "tpu"}, [], "needs of first cannot be 'tpu'"),
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
    listed({"chapter": "first", "seeds": [0]}, points={"first": [{"eps": "radii"}]})
    assert make() == 2
    assert "points: eps is to run over 'radii', which is no list" in capsys.readouterr().err
    root = listed({"chapter": "first", "seeds": [0]})
    (root / "book/reference/smoke/records").mkdir(parents=True)
    (root / "book/reference/smoke/records/half.json").write_text('{"chapter": ')
    assert make() == 2
    assert "half.json is no whole JSON file" in capsys.readouterr().err
    for text, said in (("a: [", "cannot be read"), ("- 1", "must hold `profiles:`")):
        (small_book / FILE).write_text(text)
        assert make() == 2 and said in capsys.readouterr().err
    (small_book / FILE).unlink()
    assert make() == 2 and "runs.yaml cannot be read" in capsys.readouterr().err


def test_the_book_lists_runs_of_all_its_profiles():
    root = find_root()
    sizes = {profile: len(reference_runs(root, profile)) for profile in
             ("default", "live", "kaiming", "folders", "cifar10", "cifar10-folders", "cifar10-resnet", "tiny-imagenet",
              "paper")}
    assert sizes["default"] == 24 and sizes["live"] == 9 and sizes["cifar10"] == 20
    for profile in sizes:  # else their records could not stand beside those of other seeds
        assert all(run.settings.given.keys() <= EXTENT for run in reference_runs(root, profile))
    sweep = reference_runs(root, "cifar10", ["robustness_sweep"])[0]
    assert [point.get("eps") for point in sweep.points] == [None, 0.0, 0.0625, 0.125, 0.25, 0.375, 0.5, 0.75]
