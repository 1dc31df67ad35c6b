"""A sweep's points on this machine: several processes at once, each with its share of the cores or a GPU."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from .execute import environment
from .footprint import available_cores
from .points import Point


def run_here(points: list[Point], jobs: int | None,
             begins: Callable[[Point, str], None]) -> Iterator[tuple[Point, str]]:
    """Run the points; yield each as it ends, with "" or the reason why it failed.

    jobs: how many run at once, see `places`. begins: told of each point that starts, and where. Closing the
    iterator stops the points that run.
    """
    free: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    for place in places(len(points), jobs):
        free.put(place)
    stop = threading.Event()

    def run(point: Point) -> str:
        place = free.get()
        try:
            gpu = place.get("CUDA_VISIBLE_DEVICES")
            begins(point, f"on GPU {gpu}" if gpu else "")
            return point.run({**environment(point.folder, point.chapter.root), **place}, stop.is_set)
        finally:
            free.put(place)

    pool = ThreadPoolExecutor(free.qsize())  # each thread only waits for its process
    running = {pool.submit(run, point): point for point in points}
    try:
        for future in as_completed(running):
            yield running[future], future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def places(points: int, jobs: int | None = None) -> list[dict[str, str]]:
    """The variables of each process that may run at once.

    With GPUs there is a process a GPU, else a process a core, or as many as $OMP_NUM_THREADS lets the cores
    hold; never more than points. `jobs` overrules this, and processes then share a GPU if need be.
    """
    cores, asked = available_cores(), _whole(os.environ.get("OMP_NUM_THREADS"))
    gpus = _gpus()
    jobs = min(jobs or len(gpus) or max(1, cores // (asked or 1)), points)
    share = threads(asked or max(1, cores // jobs))
    return [share | ({"CUDA_VISIBLE_DEVICES": gpus[job % len(gpus)]} if gpus else {}) for job in range(jobs)]


def threads(count: int) -> dict[str, str]:
    """The variables that give torch and NumPy this many threads."""
    return {name: str(count) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def _gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that torch sees, one by one."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    count = torch.cuda.device_count()
    return visible[:count] if visible[0] else [str(index) for index in range(count)]


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and int(text) > 0 else None
