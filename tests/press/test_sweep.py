"""`arae sweep` on this machine, with real runs of a small chapter: what it refuses, keeps, runs again, merges."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading

import filelock
import psutil
import pytest
from PIL import Image

from arae_book import cli, cluster
from arae_book.chapters import find_chapter
from arae_book.cli import _status
from arae_book.grid import grid


def sweep(*arguments: object) -> int:
    return _status(["sweep", "first", *map(str, arguments)])


def test_a_grid_runs_once_and_merges(trace, runs, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["-p", "eps", "0.5,1e0", "-p", "seed", "0,3", "--jobs", 2, "--out", out]
    assert sweep(*arguments) == 0
    said = capsys.readouterr()
    assert said.out == f"{out / 'sweep.md'}\n"
    lines = said.err.splitlines()
    assert lines[0] == "4 points" and lines[-1] == f"4 of 4 points are in {out}"
    names = {f"eps={eps},seed={seed}" for eps in ("0.5", "1") for seed in (0, 3)}
    assert sorted(line for line in lines if line.endswith("begins")) == sorted(f"{name}: begins" for name in names)
    assert sum(": done in 0:" in line for line in lines) == 4 and lines[-2].endswith("[4/4]")
    for name in names:
        assert {"first.ipynb", "first.log", "records", "made_from.json"} <= {path.name for path in (out / name).iterdir()}

    rows = list(csv.DictReader((out / "sweep.csv").open()))
    assert list(rows[0]) == ["eps", "measure", "value", "std", "n", "seed"] and len(rows) == 8
    assert dict(eps="1.0", measure="psnr/standard/all", value="21.0", std="1.0", n="10", seed="3") in rows
    text = (out / "sweep.md").read_text()
    assert "| 0.5 | 20.50 ± 2.12 | 21.00 ± 2.12 |" in text and "over 2 seeds" in text
    assert Image.open(out / "sweep.png").width > 500

    assert sweep(*arguments) == 0
    assert capsys.readouterr().err.splitlines() == ["4 points, 4 of them done already", lines[-1]]
    assert set(runs().values()) == {1}


def test_failed_missing_and_outdated_points_run_again_and_no_others(small_book, trace, runs, tmp_path, capsys):
    (trace / "fails-2").touch()
    (trace / "dies-3").touch()
    arguments = ["--profile", "smoke", "-p", "eps", "1,2,3,4", "--out", tmp_path]
    assert sweep(*arguments) == 1
    *lines, last = capsys.readouterr().err.splitlines()
    assert last.startswith(f"arae: 2 of 4 points are in {tmp_path}; the same command tries those again that failed: ")
    assert sorted(last.split()[-2:]) == ["eps=2", "eps=3"]
    failures = {line.split(": ")[0]: line for line in lines if ": failed: " in line}
    assert "first failed in cell 4/4 (A chapter): RuntimeError: eps is no good; see " in failures["eps=2"]
    assert "its process died (killed, or out of memory); see " in failures["eps=3"]
    assert {row["eps"] for row in csv.DictReader((tmp_path / "sweep.csv").open())} == {"1.0", "4.0"}
    assert "- `eps=3`: first failed in cell 4/4 (A chapter): its process died" in (tmp_path / "sweep.md").read_text()

    (trace / "fails-2").unlink()
    (trace / "dies-3").unlink()
    stamp = tmp_path / "eps=4" / "made_from.json"
    stamp.write_text(stamp.read_text()[:-20])  # cut off in the middle
    (tmp_path / "eps=4" / "records" / "stale.json").write_text("of an older notebook")
    assert sweep(*arguments) == 0
    assert "4 points, 1 of them done already; 1 made from another notebook" in capsys.readouterr().err
    assert runs() == {"eps=1,seed=0": 1, "eps=2,seed=0": 2, "eps=3,seed=0": 2, "eps=4,seed=0": 2}
    assert not (tmp_path / "eps=2" / "first.failed.ipynb").exists()

    chapter, lists = find_chapter(small_book, "first"), [("eps", "1,2,3,4")]
    assert all(point.done() for point in grid(chapter, "smoke", lists, tmp_path))
    assert not any(point.done() for point in grid(chapter, "default", lists, tmp_path))
    chapter.path.write_text(chapter.path.read_text().replace("trace = ", "a = 1; trace = "))
    assert not any(point.done() for point in grid(chapter, "smoke", lists, tmp_path))


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "nothing to sweep: give first at least one list"),
    (["-p", "esp", "1,2"], "first has no parameter 'esp'; did you mean eps?"),
    (["-p", "eps", ""], "-p eps '' has no values"),
    (["-p", "eps", "1,,2"], "-p eps '1,,2' is no list of values"),
    (["-p", "eps", "1,2,"], "-p eps '1,2,' has an empty item"),
    (["-p", "layers", "[conv1],[conv2"], "is no list of values"),
    (["-p", "eps", "1,0.5,1.0"], "-p eps has the same value twice: 1 and 1.0"),
    (["-p", "eps", "1", "-p", "eps", "2"], "-p eps is given twice"),
    (["-p", "eps", "1,8/255"], "eps of first takes a number (as 0.5 is), not '8/255'"),
    (["-p", "layers", "conv1,conv2"], "layers of first takes a list"),
    (["-p", "eps"], "requires 2 arguments"),
    (["-p", "eps", "1", "--jobs", "0"], "0 is not in the range x>=1"),
    (["-p", "eps", "1", "--profile", "smke"], "no profile 'smke'; did you mean smoke?"),
    (["-p", "eps", "1", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:9"], "--jobs is for this machine"),
    (["-p", "eps", "1", "--scheduler", "nowhere"], "no Dask scheduler answers at nowhere (missing port"),
    (["-p", "eps", "1", "--scheduler", ""], "no Dask scheduler answers"),
    (["-p", "eps", "1", "--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
])
def test_refusals_are_one_line_and_write_nothing(trace, runs, tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.setattr(cluster, "ANSWER", 0.5)
    out = tmp_path / "out"
    assert sweep("--out", out, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("arae: ") and error.count("\n") == 1 and said in error
    assert not out.exists() and not runs()


def test_a_folder_that_cannot_be_written_or_is_being_written(trace, runs, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    assert sweep("-p", "eps", "1", "--out", tmp_path / "file" / "out") == 2
    assert "cannot be written" in capsys.readouterr().err
    monkeypatch.setenv("ARAE_STORE", str(tmp_path))
    folder = tmp_path / "sweeps" / "first-smoke"
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / ".sweep.lock"):
        assert sweep("-p", "eps", "1", "--profile", "smoke") == 2
    assert f"another sweep is writing {folder}: wait for it, or choose another --out" in capsys.readouterr().err
    assert not runs()


@pytest.mark.parametrize(("number", "handler", "code"), [
    (signal.SIGINT, signal.default_int_handler, 130), (signal.SIGTERM, cli._terminate, 143)])
def test_a_stopped_sweep_lets_its_points_end_and_keeps_the_finished(trace, runs, wait_for, tmp_path, capsys, number,
                                                                    handler, code):
    (trace / "waits-2").touch()

    def stop():
        wait_for(trace / "eps=2,seed=0")
        os.kill(os.getpid(), number)
        try:
            wait_for(trace / "ended-2")  # the kernel is given the time to save
        finally:  # without the signal, the sweep ends, and the test fails
            (trace / "waits-2").unlink()

    before = signal.signal(number, handler)  # as `main` and a shell's foreground have them
    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        assert sweep("-p", "eps", "1,2,3", "--jobs", "1", "--out", tmp_path) == code
    finally:
        signal.signal(number, before)
        stopper.join()
    assert capsys.readouterr().err.splitlines()[-1].startswith("arae: ")
    assert runs().keys() == {"eps=1,seed=0", "eps=2,seed=0"}
    assert [point.parent.name for point in tmp_path.glob("*/made_from.json")] == ["eps=1"]
    assert not (tmp_path / "eps=2" / "first.ipynb").exists()


def test_a_killed_sweep_takes_its_points_with_it(trace, wait_for, tmp_path):
    (trace / "waits-2").touch()
    with subprocess.Popen([sys.executable, "-m", "arae_book", "sweep", "first", "-p", "eps", "2", "--out", tmp_path],
                          stderr=subprocess.DEVNULL) as process:
        wait_for(trace / "eps=2,seed=0")
        kernel = psutil.Process(int((trace / "eps=2,seed=0").read_text().split()[0]))
        started = [kernel, *psutil.Process(process.pid).children(recursive=True)]
        process.kill()
    assert len(started) > 2 and not psutil.wait_procs(started, timeout=30)[1]


def test_ctrl_c_in_a_terminal_reaches_us_and_not_the_workers(trace, wait_for, tmp_path):
    """It goes to the whole group of processes; a kernel that is interrupted by us has the time to save."""
    (trace / "waits-2").touch()
    with subprocess.Popen([sys.executable, "-m", "arae_book", "sweep", "first", "-p", "eps", "2", "--out", tmp_path],
                          stderr=subprocess.PIPE, text=True, start_new_session=True,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
        wait_for(trace / "eps=2,seed=0")
        os.killpg(process.pid, signal.SIGINT)
        last = process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 130 and last.startswith("arae: stopped") and (trace / "ended-2").exists()
