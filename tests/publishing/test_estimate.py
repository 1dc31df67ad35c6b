"""The word before a run: from hand-made records to the line that is printed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from arae_core.cli import _status
from arae_core.publishing import estimate, probe
from arae_core.publishing.chapters import chapters_in_order, find_chapter
from arae_core.publishing.costs import FOLDER, Cost
from arae_core.publishing.estimate import about, announce, nearest


@pytest.fixture
def cost():
    """Of a machine of speed 1000: 90 seconds with its models kept, 180 s more for the two that it trained."""
    models = [{"name": name, "found": False, "trained": 90.0, "spent": 90.0} for name in ("a", "b")]
    return Cost("first", "default", {}, 270.0, models, 1.0, None, {"device": "cpu", "cores": 2, "bf16": True}, 2,
                1000.0, {}, "abc", False, "2026-01-01")


@pytest.fixture
def first(small_book):
    return find_chapter(small_book, "first")


@pytest.fixture
def said(monkeypatch):
    """announce(…) with a machine of speed 500; what it says."""
    monkeypatch.delenv("ARAE_ESTIMATE")
    lines, probed = [], []

    def speak(*arguments, **options):
        announce(*arguments, speed=lambda: probed.append(1) or 500.0, say=lines.append, **options)
        return lines
    speak.probed = probed
    return speak


def test_half_the_speed_is_twice_the_time(first, cost):
    assert estimate.estimate([first], "default", [cost], 500.0) == (
        "about 3 minutes on this machine with its models kept, about 9 if all are trained "
        "(recorded: 2 cores, bf16, 1:30; this machine is 0.5 times as fast)")
    assert estimate.estimate([first], "default", [replace(cost, seconds=90.0, models=[])], 4000.0) == (
        "about 20 seconds on this machine (recorded: 2 cores, bf16, 1:30; this machine is 4 times as fast)")


def test_unlike_units_are_both_named(first, cost):
    line = estimate.estimate([first], "default", [replace(cost, seconds=210.0)], 1000.0)
    assert line.startswith("about 30 seconds on this machine with its models kept, about 4 minutes if all are")


def test_without_a_probe_the_recorded_time_stands(first, cost):
    for record, here in [(cost, None), (replace(cost, speed=None), 500.0)]:
        line = estimate.estimate([first], "default", [record], here)
        assert line.startswith("about 2 minutes on") and line.endswith("the machines' speeds could not be compared)")


def test_the_points_of_a_sweep(first, cost):
    line = estimate.estimate([first], "default", [cost], 1000.0, points=4)
    assert line.startswith("4 points, one after another: about 6 minutes on this machine with its models kept, "
                           "about 18 if all are trained at each (recorded: 2 cores, bf16, 6:00; ")


def test_the_chapters_of_a_book_share_models(small_book, cost):
    both = chapters_in_order(small_book)
    second = replace(cost, chapter="second", seconds=190.0, models=cost.models[:1])  # 100 s without its model
    line = estimate.estimate(both, "default", [cost, second], 1000.0)
    # 90 + 100 seconds, and the two models once.
    assert line.startswith("2 chapters: about 3 minutes on this machine with its models kept, about 6 if all are")
    assert "3:10; this machine is as fast" in line
    line = estimate.estimate(both, "default", [cost], 1000.0)
    assert line.startswith("1 of 2 chapters: about 2 minutes")
    assert line.endswith("; not counted, for lack of a record: second")


def test_no_record_no_estimate(first, cost):
    assert estimate.estimate([first], "smoke", [cost], 500.0) == (
        "no estimate: nobody has recorded a run of profile smoke (first)")


def test_the_record_of_the_machine_most_like_this_one(cost):
    other = replace(cost, speed=100000.0, machine={"device": "cuda: A100", "cores": 8, "bf16": True})
    newer = replace(cost, speed=None, created="2027")
    assert nearest([other, cost, newer], 800.0) is cost and nearest([cost, other, newer], 50000.0) is other
    assert nearest([cost, newer], None) is newer and nearest([], 1.0) is None


def test_a_damaged_record_is_named_and_stops_nothing(small_book, first, cost, said):
    path = cost.write(small_book / FOLDER)
    path.write_text("{")
    (line,) = said([first], "default")
    assert line.startswith("no estimate: ") and path.name in line


def test_what_is_said_when(small_book, first, cost, said, monkeypatch):
    cost.write(small_book / FOLDER)
    assert said([], "default") == [] and not said.probed, "nothing to run, nothing to measure"
    assert said([first], "default", elsewhere=True).pop() == (
        "no estimate: the runs take place on other machines") and not said.probed
    assert said([first], "default", given=True).pop().endswith(
        "; this is for the profile as it stands, without the parameters given")
    assert len(said.probed) == 1
    monkeypatch.setenv("ARAE_ESTIMATE", "off")
    assert said([first], "default") == [] and len(said.probed) == 1


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "10 seconds"), (14, "10 seconds"), (44, "40 seconds"), (55, "1 minute"), (89, "1 minute"), (91, "2 minutes"),
    (3600, "60 minutes"), (2 * 3600, "2 hours"), (5500, "1.5 hours"), (30 * 3600, "30 hours"),
    (72 * 3600, "3 days")])
def test_no_more_precise_than_an_estimate_can_be(seconds, words):
    assert " ".join(about(seconds)) == words


def test_the_command_line_says_it_before_it_begins(small_book, cost, tmp_path, capsys, monkeypatch):
    cost.write(small_book / FOLDER)
    monkeypatch.delenv("ARAE_ESTIMATE")
    monkeypatch.setattr(announce, "__kwdefaults__", {**announce.__kwdefaults__, "speed": lambda: 500.0})
    assert _status(["run", "first", "-p", "seed", "1", "--out", str(tmp_path / "out")]) == 0
    before, begins = capsys.readouterr().err.splitlines()[:2]
    assert before.startswith("about 3 minutes on this machine") and "the profile as it stands" in before
    assert begins == "first: 4 cells"
    assert _status(["sweep", "first", "-p", "seed", "1,2", "--jobs", "2", "--out", str(tmp_path / "sweep")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "2 points" and lines[1].startswith("2 points, one after another: about 6 minutes")
    log = (tmp_path / "sweep/seed=1/first.log").read_text()
    assert "about" not in log, "the sweep has said it for all its points, and measured once"
    assert _status(["run", "first", "-p", "eps", "x", "--out", str(tmp_path / "out")]) == 2
    assert re.fullmatch("arae: .*\n", capsys.readouterr().err), "what is refused is not estimated"


def test_the_probe_measures_this_machine_once(monkeypatch):
    monkeypatch.setattr(probe, "_SECONDS", 0.05)
    assert 10 < probe.training_speed() < 1e7

    started = []
    monkeypatch.setattr(probe.subprocess, "run", lambda *_, **__: started.append(1) or 1 / 0)
    monkeypatch.setattr(probe, "_measured", [])
    probe.speed_here.cache_clear()
    try:
        monkeypatch.setattr(probe.subprocess, "run", _breaks(started))
        assert probe.speed_here() is None and probe.speed_here() is None and len(started) == 1
        assert probe.measured() is None
    finally:
        probe.speed_here.cache_clear()


def _breaks(started):
    def run(*_, **__):
        started.append(1)
        raise OSError("no such program")
    return run
