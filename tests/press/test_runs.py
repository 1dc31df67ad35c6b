"""`arae run`, with real papermill runs: what it leaves, and that it leaves nothing half-written. And `arae doctor`."""

import io
import os
import platform
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import nbformat
import pytest

import arae_core.data
from arae_book import kernel
from arae_book.cli import _status


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_run_leaves_the_notebook_and_its_records_folder(small_book, tmp_path, capsys, monkeypatch):
    source = small_book / "book/part/01_first.ipynb"
    before, out = source.read_bytes(), tmp_path / "out"
    out.mkdir()
    (out / "other.txt").write_text("kept")
    monkeypatch.delenv("ARAE_OUT", raising=False)
    assert _status(["run", "first", "--profile", "smoke", "-p", "seed", "-3", "--out", str(out)]) == 0
    assert names(out) == {"other.txt", "first.ipynb", "records", "made_from.json"}
    cells = nbformat.read(out / "first.ipynb", as_version=4).cells
    assert cells[-1].outputs[0].text == "-3 1.0 ['conv1'] True part\n"
    assert source.read_bytes() == before and "ARAE_OUT" not in os.environ
    said = capsys.readouterr()
    assert said.out == f"{out / 'first.ipynb'}\n"
    assert "first: 4 cells" in said.err and "A chapter" in said.err


def test_a_failed_run_says_why_and_keeps_what_was_there(small_book, write, tmp_path, capsys):
    source = small_book / "book/part/01_first.ipynb"
    write(source, "1", "raise RuntimeError('the data\\nis not here')")
    before = source.read_bytes()
    (tmp_path / "first.ipynb").write_text("of an earlier run")
    assert _status(["run", "first", "--out", str(tmp_path)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("arae: first failed in cell 4/4 (A chapter): RuntimeError: the data is not here; see ")
    assert (tmp_path / "first.failed.ipynb").is_file() and source.read_bytes() == before
    assert (tmp_path / "first.ipynb").read_text() == "of an earlier run"
    assert not (tmp_path / ".first.unfinished.ipynb").exists()


def test_a_killed_kernel_is_one_line(small_book, write, tmp_path, capsys):
    write(small_book / "book/part/01_first.ipynb", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert _status(["run", "first", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "its process died" in error.splitlines()[-1] and "Traceback" not in error
    assert not (tmp_path / "first.ipynb").exists()


def test_a_kernel_that_dies_while_it_starts_is_started_anew(small_book, tmp_path, capsys, monkeypatch):
    died = tmp_path / "died"
    (tmp_path / "sitecustomize.py").write_text(
        f"import os, pathlib, sys\nif 'ipykernel_launcher' in sys.orig_argv and not os.path.exists({str(died)!r}):\n"
        f"    pathlib.Path({str(died)!r}).touch()\n    os._exit(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert _status(["run", "first", "--out", str(tmp_path / "out")]) == 0
    assert died.exists() and "stopped" not in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "said"), [(["run", "frist"], "there is no chapter 'frist'; did you mean first?"),
    (["run", "first", "--profile", "smke"], "did you mean smoke?"), (["run", "first", "-p", "sed", "1"], "did you mean seed?"),
    (["run", "first", "-p", "eps", "8/255"], "takes a number"), (["run", "first", "-p", "eps"], "requires 2 arguments"),
    (["run"], "Missing argument"), (["rum"], "No such command 'rum'. Did you mean 'run'?"),
    (["book", "--profile", "papr"], "no profile 'papr'"),
])
def test_refusals_are_one_line_and_write_nothing(small_book, tmp_path, capsys, arguments, said):
    out = tmp_path / "out"
    whole = ["--out", str(out)] if arguments[:2] == ["run", "first"] and arguments[-1] != "eps" else []
    assert _status(arguments + whole) == 2
    error = capsys.readouterr().err
    assert error.startswith("arae: ") and error.count("\n") == 1 and said in error
    assert not out.exists()


def test_two_runs_on_one_output(small_book, tmp_path, capsys):
    with filelock.FileLock(tmp_path / ".first.lock"):
        assert _status(["run", "first", "--out", str(tmp_path)]) == 2
    assert "another run is writing" in capsys.readouterr().err
    assert not (tmp_path / "first.ipynb").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_lets_its_kernel_end_and_leaves_nothing(small_book, write, tmp_path, number, code):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    write(small_book / "book/part/01_first.ipynb",
          f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntry:\n    time.sleep(60)\n"
          f"finally:\n    pathlib.Path({str(ended)!r}).touch()")
    out = tmp_path / "out"
    # A shell's background ignores SIGINT, and what it starts inherits that.
    process = subprocess.Popen([sys.executable, "-m", "arae_book", "run", "first", "--out", str(out)],
                               stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + 90
    while not begun.exists():
        assert time.monotonic() < deadline, "the run did not begin"
        time.sleep(0.05)
    process.send_signal(number)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == code
    assert error.splitlines()[-1].startswith("arae: ") and "Traceback" not in error
    assert ended.exists(), "the kernel was not given the time to save"
    assert names(out) == set()


def test_a_log_has_a_line_a_section_and_signs_of_life(monkeypatch):
    log = io.StringIO()
    cells = [("markdown", "Words.\n## The idea\n\nMore."), ("code", "# no heading\n1"), ("code", "2")]
    with kernel.Progress("first", 3, log) as shown:
        for index, (kind, source) in enumerate(cells):
            shown.cell({"cell_type": kind, "source": source}, index)
            shown.alive()
            monkeypatch.setattr(kernel, "QUIET", -1.0 if index else 30.0)
    assert re.sub(r"\d:\d\d", "T", log.getvalue()).splitlines() == [
        "first: 3 cells", "first  1/3  The idea", "first  3/3  The idea … T", "first: done, 3 cells in T"]
    with pytest.raises(KeyboardInterrupt), kernel.Progress("first", 3, log):
        raise KeyboardInterrupt
    assert "first: stopped at cell 0/3 in 0:00" in log.getvalue()


def test_doctor_reports(small_book, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    assert _status(["doctor"]) == 0
    said = capsys.readouterr().out
    for expected in [platform.python_version(), "torch ", "CUDA", "cores", "memory", "data photos", "data cifar10",
                     "LPIPS trunk", f"{tmp_path / 'store'} (does not exist yet)", str(small_book),
                     "profiles default, smoke", "models", "0 here", "Jupyter Book"]:
        assert expected in said


def test_doctor_goes_on_where_something_is_broken(capsys, monkeypatch):
    def broken():
        raise OSError("disk on fire")

    monkeypatch.setattr(arae_core.data, "available", broken)
    assert _status(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "not to be found out: OSError: disk on fire" in said and "LPIPS trunk" in said
