"""`arae sweep` on this machine, with real runs of a small chapter: how lists become points, what it refuses, keeps,
runs again, merges."""

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
from arae_book.runs import RunFailed, is_current
from arae_book.sweep import curves, folder_name, grid, merge
from arae_core.results import Record


@pytest.fixture
def values(small_book, trace, tmp_path):
    """`values(*lists)`: the points' values."""
    chapter = find_chapter(small_book, "first")
    return lambda *lists: [point.values for point in grid(chapter, "default", lists, tmp_path)]


def test_every_combination_in_order(values):
    assert values(("eps", "0.5, 1e-3,2"), ("seed", "-1,3")) == [
        {"eps": eps, "seed": seed} for eps in (0.5, 1e-3, 2) for seed in (-1, 3)]


def test_commas_within_brackets_and_quotes_do_not_split(values):
    assert values(("layers", "[pixel],[pixel,pixel+feature], []")) == [
        {"layers": layers} for layers in (["pixel"], ["pixel", "pixel+feature"], [])]
    assert values(("name", "'a, b',\"c\",d,1e3")) == [{"name": name} for name in ("a, b", "c", "d", "1e3")]


def test_a_point_is_what_run_would_be_given(small_book, trace, tmp_path):
    chapter = find_chapter(small_book, "first")
    point = grid(chapter, "smoke", [("seed", "4"), ("layers", "[a, b]")], tmp_path)[0]
    assert point.settings.cell() == {"profile": "smoke", "seed": 4, "given": {"layers": ["a", "b"]}}
    assert point.settings.name == "quick" and point.values == {"seed": 4, "layers": ["a", "b"]}
    assert point.folder.parent == tmp_path


def test_names_are_readable():
    assert folder_name({"seed": 1, "eps": 0.5}) == "eps=0.5,seed=1"  # whatever the order on the command line
    assert folder_name({"eps": 1.0}) == folder_name({"eps": 1}) == "eps=1"
    assert folder_name({"eps": 1e-5, "fast": True, "name": "crop+flip"}) == "eps=1e-05,fast=true,name=crop+flip"


def test_names_are_safe_and_distinct():
    odd = ["../x", ".._x", "a b", "a_b", "a,b", "ä", "x" * 300, "x" * 301, ["a", "b"], ["a_b"], ["a"], "a", "CON:"]
    names = [folder_name({"name": value}) for value in odd]
    assert len({name.lower() for name in names}) == len(odd)
    assert all(name.isascii() and not set(name) & set("/\\:*?\"<>| []") and len(name) < 60 for name in names)
    assert names[8].startswith("name=a_b~")
    many = folder_name({f"parameter_{number}": "y" * 30 for number in range(20)})
    assert len(many) <= 120 and many.startswith("parameter_0=yyy")


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

    def done(point):
        return is_current(point.folder, point.chapter, point.settings)

    chapter, lists = find_chapter(small_book, "first"), [("eps", "1,2,3,4")]
    assert all(done(point) for point in grid(chapter, "smoke", lists, tmp_path))
    assert not any(done(point) for point in grid(chapter, "default", lists, tmp_path))
    chapter.path.write_text(chapter.path.read_text().replace("trace = ", "a = 1; trace = "))
    assert not any(done(point) for point in grid(chapter, "smoke", lists, tmp_path))


@pytest.mark.parametrize(("arguments", "said"), [([], "nothing to sweep: give first at least one list"),
    (["-p", "esp", "1,2"], "first has no parameter 'esp'; did you mean eps?"),
    (["-p", "eps", " "], "-p eps ' ' has no values"), (["-p", "eps", "1,,2"], "-p eps '1,,2' is no list of values"),
    (["-p", "eps", "1,2,"], "-p eps '1,2,' has an empty item"), (["-p", "eps", "1],[2"], "is no list of values"),
    (["-p", "name", "a,'b"], "is no list of values"), (["-p", "name", "a #b"], "is no list of values"),
    (["-p", "eps", "1,0.5,1.0"], "-p eps has the same value twice: 1 and 1.0"),
    (["-p", "layers", "[conv1],[conv2],[ conv1 ]"], "has the same value twice"),
    (["-p", "seed", "0,0.5"], "takes a whole number"), (["-p", "eps", "1", "-p", "eps", "2"], "-p eps is given twice"),
    (["-p", "eps", "1,8/255"], "eps of first takes a number (as 0.5 is), not '8/255'"),
    (["-p", "layers", "conv1,conv2"], "layers of first takes a list"), (["-p", "eps"], "requires 2 arguments"),
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
    assert f"another sweep is writing {folder}: wait for it, or name another --out" in capsys.readouterr().err
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


# What the points recorded, in one file, one table and one figure


def recorded(point=None, seed=0, metrics=None, **parameters):
    metrics = metrics or {"psnr/standard/all": 20.0 + seed, "psnr/robust/all": 21.0, "accuracy/robust/clean": 0.5}
    summaries = {name: {"value": value, "std": 1.0, "n": 10} for name, value in metrics.items()}
    return Record("first", "default", dict(name="photos", digest="d", notes=""), seed, {"seed": seed, **parameters}, 1.0,
                  "cpu", {}, None, None, "", summaries, point=point or {})


@pytest.fixture
def merged(small_book, trace, tmp_path):
    """`merged(lists, of)`: sweep.md and the rows of sweep.csv; `of` makes a point's records from its values."""

    def merged(lists, of, failed=()):
        points = grid(find_chapter(small_book, "first"), "default", lists, tmp_path)
        for point in points:
            for one in of(point.values):
                one.write(point.folder / "records")
        path = merge(points[0].chapter, "default", points, dict(failed), tmp_path)
        assert path == tmp_path / "sweep.md"
        return path.read_text(), list(csv.DictReader((tmp_path / "sweep.csv").open()))

    return merged


def shown(picture):
    """Panel titles, the lines' names, and where the first panel's points lie."""
    first = picture.axes[0]
    titles = [ax.get_title() for ax in picture.axes if ax.get_visible()]
    return titles, [line.get_label() for line in first.lines], list(first.lines[0].get_xdata())


def test_several_records_of_one_run_add_a_row_each(merged):
    def of(values):
        return [recorded(**values, point={"radius": radius}) for radius in (0.1, 0.2)]

    text, rows = merged([("layers", "[conv1],[conv1, conv2]")], of)
    assert list(rows[0]) == ["layers", "radius", "measure", "value", "std", "n", "seed"] and len(rows) == 2 * 2 * 3
    assert rows[-1]["layers"] == '["conv1", "conv2"]' and rows[-1]["radius"] == "0.2"
    assert "2 of 2 points: `layers = [conv1] | [conv1, conv2]`." in text
    assert sum(line.startswith("| conv1, conv2 | 0.") for line in text.splitlines()) == 2


def test_a_sweep_of_seeds_alone_shows_their_mean_and_each(merged, tmp_path):
    text, rows = merged([("seed", "0,1,2"), ("layers", "[conv5]")], lambda values: [recorded(**values)])
    assert list(rows[0])[0] == "layers" and {row["seed"] for row in rows} == {"0", "1", "2"}
    assert "| conv5 | 21.00 ± 1.00" in text and "| 2 | 22.00 ± 1.00 |" in text
    assert Image.open(tmp_path / "sweep.png").width > 500


def test_what_failed_is_named_and_left_out(merged):
    text, rows = merged([("eps", "1,2")], lambda values: [recorded(eps=values["eps"])], {"eps=2": "it died"})
    assert "1 of 2 points" in text and "- `eps=2`: it died" in text and {row["eps"] for row in rows} == {"1.0"}


def test_without_a_record_there_is_no_figure(merged, tmp_path):
    (tmp_path / "sweep.png").write_text("of an earlier sweep")
    text, rows = merged([("eps", "1,2")], lambda values: [])
    assert "No point recorded a measure." in text and not rows and not (tmp_path / "sweep.png").exists()


def test_records_that_differ_in_more_than_the_settings_do_not_merge(merged):
    with pytest.raises(RunFailed, match="does not merge: .* seed 0"):
        merged([("eps", "1,2")], lambda values: [recorded(eps=values["eps"], other=other) for other in (1, 2)])


def test_curves_run_along_the_first_number(merged):
    records = [recorded(seed=seed, name=name, eps=eps) for name in ("a", "b") for eps in (2, 0.5) for seed in (0, 2)]
    picture, left_out = curves(records, ["name", "eps"])
    titles, lines, at = shown(picture)
    assert titles == ["PSNR (dB)", "accuracy (%)"] and at == [0.5, 2] and picture.axes[0].get_xlabel() == "eps"
    assert lines == [f"{line}, name = {name}" for name in "ab" for line in ("standard, all", "robust, all", "robust, clean")]
    assert list(picture.axes[0].lines[0].get_ydata()) == [21, 21]  # the mean over seeds 0 and 2
    assert list(picture.axes[1].lines[2].get_ydata()) == [50, 50] and left_out == ""


def test_without_a_number_the_places_are_names():
    records = [recorded(layers=[layer], fast=fast) for layer in ("conv1", "conv5") for fast in (True, False)]
    picture, _ = curves(records, ["layers", "fast"])
    assert [tick.get_text() for tick in picture.axes[0].get_xticklabels()] == [
        "[conv1], True", "[conv1], False", "[conv5], True", "[conv5], False"]


def test_a_figure_stays_readable():
    metrics = {f"metric{m}/encoder{e}/all": 1.0 for m in range(8) for e in range(10)}
    picture, left_out = curves([recorded(eps=eps, metrics=metrics) for eps in (1, 2)], ["eps"])
    titles, lines, _ = shown(picture)
    assert len(titles) == 6 and len(lines) == 8
    assert left_out == " The figure has room for 6 of 8 metrics and 8 of 10 lines."


def test_a_gap_where_a_point_is_missing():
    picture, _ = curves([recorded(name="a", eps=1), recorded(name="a", eps=2), recorded(name="b", eps=2)], ["eps", "name"])
    b = next(line for line in picture.axes[0].lines if line.get_label() == "standard, all, name = b")
    assert list(b.get_ydata())[1:] == [20.0] and b.get_ydata()[0] != b.get_ydata()[0]
