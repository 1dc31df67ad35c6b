"""`python -m benchmarks` on made-up modules, and the page that is drawn from its records."""

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import all_benchmarks, bench, main
from benchmarks.harness import BenchRecord
from benchmarks.harness.speed import FOLDER, speed

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
def modules(tmp_path, monkeypatch):
    (tmp_path / "one_number.py").write_text(BENCHMARK.replace("NAME", "one-number").replace("OTHER", "1"))
    (tmp_path / "wrong.py").write_text(BENCHMARK.replace("NAME", "wrong").replace("OTHER", "2"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield {"wrong": "wrong", "one-number": "one_number"}
    for name in ("one_number", "wrong"):
        sys.modules.pop(name, None)


def test_a_benchmark_leaves_a_record_and_a_last_line(modules, tmp_path):
    said = []
    (record,) = bench({"one-number": "one_number"}, tmp_path / "out", said.append)
    assert BenchRecord.read(next((tmp_path / "out").glob("one-number-*.json"))) == record
    assert said[-1].startswith("one-number: ours") and "ratio" in said[-1] and "the same number" in "\n".join(said)


def test_unequal_work_fails_the_command_after_the_others(modules, tmp_path):
    with pytest.raises(click.ClickException, match="wrong: not the same work: 1 and 2"):
        bench(modules, tmp_path / "out", lambda line: None)
    assert [path.name.split("-cpu")[0] for path in (tmp_path / "out").glob("*.json")] == ["one-number"]


def test_the_books_benchmarks_are_found_and_an_unknown_name_is_refused_before_anything_runs(tmp_path):
    known = all_benchmarks()
    assert {"attack", "robust-epoch", "step-floor", "inversion-step", "anomaly", "stylise", "metrics"} <= set(known)
    assert "material" not in known and "peers" not in known
    done = CliRunner().invoke(main, ["one-numbr", "--out", str(tmp_path / "out")])
    assert done.exit_code == 2 and "no benchmark 'one-numbr'; there are" in done.output
    assert not (tmp_path / "out").exists()


def test_the_page_shows_each_machine_and_says_what_is_not_measured(tmp_path, root: Path):
    assert (root / "book/_generated/speed.md").read_text("utf-8") == speed(root)  # of the committed records
    assert "Not measured" in speed(tmp_path) and "On a GPU" in speed(tmp_path)
    for device in ("cpu: 2 cores, bf16", "cuda: H200, bf16"):
        BenchRecord("attack", "One attack", "PGD", times={"ours": [1.0] * 5, "theirs": [2.0] * 5}, device=device, threads=2,
                    created="2026-01-01", load=[0.1, 0.2], versions={"torch": "2"}).write(tmp_path / FOLDER)
    text = speed(tmp_path)
    assert text.count("| One attack | ours 1 s | theirs 2 s | 2.00 (2.00 to 2.00) | faster |") == 2
    assert "## CPU: 2 cores, bf16" in text and "## CUDA: H200, bf16" in text and "On a GPU" not in text
