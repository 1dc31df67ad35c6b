"""`arae bench` on a small checkout of its own, and the page that is drawn from its records."""

import sys
from pathlib import Path

import pytest

from arae_book import bench as command
from arae_book.chapters import Refused
from arae_book.execute import RunFailed
from benchmarks.harness.speed import FOLDER, speed
from benchmarks.harness import BenchRecord

ROOT = Path(__file__).parents[2]

BENCHMARK = '''
from benchmarks.harness import Comparison, Contender, Unequal, measure

def check(own, theirs, name):
    if own != theirs:
        raise Unequal(f"{own} and {theirs}")
    return "the same number"

def run(device):
    return measure(Comparison("NAME", "Numbers", "a number", Contender("ours", lambda: 1),
                              [Contender("theirs", lambda: OTHER)], check), device)
'''


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout" / "benchmarks"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "material.py").write_text("x = 1\n")
    (folder / "one_number.py").write_text(BENCHMARK.replace("NAME", "one-number").replace("OTHER", "1"))
    (folder / "wrong.py").write_text(BENCHMARK.replace("NAME", "wrong").replace("OTHER", "2"))
    for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if Path(path or ".").resolve() != ROOT])
    yield folder.parent
    for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_a_benchmark_leaves_a_record_and_a_last_line(checkout, tmp_path):
    said = []
    (record,) = command.bench(checkout, ["one-number"], tmp_path / "out", say=said.append, install=False)
    assert BenchRecord.read(next((tmp_path / "out").glob("one-number-*.json"))) == record
    assert said[-1].startswith("one-number: ours") and "ratio" in said[-1] and "the same number" in "\n".join(said)


def test_unequal_work_fails_the_command_after_the_others(checkout, tmp_path):
    with pytest.raises(RunFailed, match="wrong: not the same work: 1 and 2"):
        command.bench(checkout, [], tmp_path / "out", say=lambda line: None, install=False)
    assert [path.name.split("-cpu")[0] for path in (tmp_path / "out").glob("*.json")] == ["one-number"]


def test_an_unknown_name_is_refused_before_anything_runs(checkout, tmp_path):
    with pytest.raises(Refused, match="no benchmark 'one-numbr'.*one-number"):
        command.bench(checkout, ["one-numbr"], tmp_path / "out", install=False)
    assert not (tmp_path / "out").exists()


def test_a_peer_that_cannot_be_installed_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "peers", lambda root: ["torch", "no-such-distribution-at-all"])

    class Done:
        returncode, stderr = 1, "ERROR: nothing\nERROR: No matching distribution"

    asked = []
    monkeypatch.setattr(command.subprocess, "run", lambda line, **_: asked.append(line) or Done)
    (said,) = command.install_peers(tmp_path)
    assert "no-such-distribution-at-all cannot be installed" in said and "No matching distribution" in said
    assert len(asked) == 1  # torch is here


def test_the_books_benchmarks_are_found_and_its_peers_are_named():
    known = command.all_benchmarks(ROOT)
    assert {"attack", "robust-epoch", "step-floor", "inversion-step", "anomaly", "stylise", "metrics"} <= set(known)
    assert "material" not in known
    assert {"robustness", "foolbox"} <= set(command.peers(ROOT))


def test_the_page_shows_each_machine_and_says_what_is_not_measured(tmp_path):
    assert "Not measured" in speed(tmp_path) and "On a GPU" in speed(tmp_path)
    for device in ("cpu: 2 cores, bf16", "cuda: H200, bf16"):
        BenchRecord("attack", "One attack", "PGD", times={"ours": [1.0] * 5, "theirs": [2.0] * 5}, device=device, threads=2,
                    created="2026-01-01", load=[0.1, 0.2], versions={"torch": "2"}).write(tmp_path / FOLDER)
    text = speed(tmp_path)
    assert text.count("| One attack | ours 1 s | theirs 2 s | 2.00 (2.00 to 2.00) | faster |") == 2
    assert "## CPU: 2 cores, bf16" in text and "## CUDA: H200, bf16" in text and "On a GPU" not in text
