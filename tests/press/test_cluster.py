"""`arae sweep --scheduler` on a real Dask cluster of two worker processes."""

import os
import signal
import threading
from dataclasses import replace

import distributed
import psutil
import pytest

from arae_book import cluster
from arae_book.chapters import Refused, find_chapter
from arae_book.cli import _status
from arae_book.sweep import grid


@pytest.fixture
def workers():
    """A cluster of two processes, a thread each; a new one for each test, since one of them kills a worker."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as two:
        yield two


@pytest.fixture
def points(small_book, trace, tmp_path):
    return grid(find_chapter(small_book, "first"), "default", [("eps", "1,2")], tmp_path)


def test_a_worker_is_killed_in_the_middle(workers, trace, runs, wait_for, tmp_path, capsys):
    (trace / "waits-2").touch()

    def kill_the_worker_of_the_second_point():
        wait_for(trace / "eps=2,seed=0")
        kernel = int((trace / "eps=2,seed=0").read_text().split()[0])
        worker = psutil.Process(kernel).parent()
        assert worker.pid != os.getpid()
        killed.append(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(kernel)], timeout=30)  # it does not outlive its worker
        assert not psutil.pid_exists(kernel)
        (trace / "waits-2").unlink()

    killed: list[int] = []
    killer = threading.Thread(target=kill_the_worker_of_the_second_point)
    killer.start()
    out = tmp_path / "out"
    assert _status(["sweep", "first", "-p", "eps", "1,2,3", "--scheduler", workers.scheduler_address, "--out", str(out)]) == 0
    killer.join()
    assert killed and runs() == {"eps=1,seed=0": 1, "eps=2,seed=0": 2, "eps=3,seed=0": 1}
    assert {point.parent.name for point in out.glob("*/made_from.json")} == {"eps=1", "eps=2", "eps=3"}
    assert len((out / "sweep.csv").read_text().splitlines()) == 1 + 3 * 2
    assert not list(out.glob(".sweep-*"))
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("eps=2: begins on tcp://") for line in lines) == 2
    assert sum(": done in 0:" in line for line in lines) == 3


def test_a_worker_with_another_book_is_refused(workers, points, runs, tmp_path):
    other = [replace(point, source="of another") for point in points]
    with cluster.connected(workers.scheduler_address) as client:
        with pytest.raises(Refused, match="^worker tcp://.* sees another .*01_first.ipynb, arae_core or library versions"):
            next(cluster.run(client, other, tmp_path, print, False))
    assert not runs() and not list(tmp_path.glob(".sweep-*"))


def test_a_worker_that_does_not_see_the_folder_cannot_take_a_point(points, tmp_path):
    (tmp_path / "sign").touch()
    assert cluster.cannot_take(points[0], tmp_path / "sign") == ""
    (tmp_path / "sign").unlink()
    assert cluster.cannot_take(points[0], tmp_path / "sign").startswith(f"does not see {tmp_path}: all workers must")


def test_a_scheduler_without_workers_is_refused(monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER", 1)
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as nobody:
        with pytest.raises(Refused, match="no worker there: start one with `dask worker"):
            with cluster.connected(nobody.scheduler_address):
                pass
