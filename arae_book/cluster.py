"""A sweep's points on Dask: a task a point, run again elsewhere when its worker dies.

The workers are processes of this machine (`here`), or those of a scheduler somewhere else (`connected`). A worker runs
a point with its own environment (its ARAE_STORE and ARAE_DATA) and its Python. It has to share a file system with this
machine: results go straight into the sweep's folder, and the notebook comes from the book's. A hidden file in the
sweep's folder, there as long as the sweep lives, shows both: a worker that does not see it cannot take part, and
interrupts what it runs when it goes. A kernel whose worker was killed ends by itself (ipykernel looks every second).
Dask gives each worker one thread for arithmetic; a point's kernel gets its share of the machine's cores instead.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from arae_core.store import available_cores

from . import runs
from .chapters import Refused
from .runs import RunFailed, Say

if TYPE_CHECKING:  # distributed takes a second that a refusal need not wait for
    from distributed import Client, Future

    from .sweep import Point

ANSWER = 5  # seconds that a scheduler and its first worker have to answer
PATIENCE = 60  # seconds that a run has to save and end
_RETRIES = 3  # of a point on workers that cannot take it
_SIGN = ".sweep-"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # Ctrl-C is for us: we let points save


@contextmanager
def here(points: int, jobs: int | None = None) -> Iterator[Client]:
    """A client of workers on this machine: one a GPU, else one a core; never more than points. `jobs` overrules this,
    and workers then share a GPU if need be."""
    from distributed import Client, LocalCluster

    _silence()
    count = min(jobs or len(_gpus()) or available_cores(), points)
    options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None, "preload": [_DEAF]}
    with LocalCluster(n_workers=count, silence_logs=logging.CRITICAL, **options) as workers:
        with Client(workers) as client:
            yield client


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the Dask scheduler at address, say tcp://host:8786. Refused: none answers, or it has no worker."""
    from distributed import Client

    _silence()
    try:
        client = Client(address, timeout=ANSWER)
    except Exception as error:  # who answers there and is no scheduler confuses Dask in his own way
        why = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise Refused(f"no Dask scheduler answers at {address} ({why}): start `dask scheduler`") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER)
        except TimeoutError as error:
            raise Refused(f"no worker there: start one with `dask worker {address} --nthreads 1`") from error
        yield client


def run(client: Client, points: list[Point], out: Path, say: Say, local: bool) -> Iterator[tuple[Point, str]]:
    """Run the points; yield each as it ends, with "" or the reason why it failed.

    say: told of each point that begins, and where. local: the workers are those of `here`. Closing the iterator stops
    the points that run, and waits until their kernels have saved. Refused, before one runs: a worker that does not see
    `out`, or sees another book, package or libraries. RunFailed: the scheduler was lost.
    """
    from distributed import CancelledError, as_completed, wait

    for left in out.glob(f"{_SIGN}*"):  # by a sweep that was killed; what its workers still run stops
        left.unlink(missing_ok=True)
    sign = out / f"{_SIGN}{uuid4().hex[:8]}"
    sign.touch()
    waiting: dict[Future, Point] = {}
    try:
        variables = _variables(client, points[0], sign, local)
        client.subscribe_topic(sign.name, lambda event: say(event[1]))
        waiting = {client.submit(_task, p, sign, variables, pure=False, retries=_RETRIES): p for p in points}
        for future in as_completed(list(waiting)):
            error = future.exception()
            why = f"{type(error).__name__}: {' '.join(str(error).split())}" if error else future.result()
            yield waiting.pop(future), why
    except CancelledError as error:
        raise RunFailed("the Dask scheduler was lost; the same command goes on with the rest") from error
    finally:
        sign.unlink(missing_ok=True)
        if waiting:
            with suppress(TimeoutError, CancelledError):
                wait(list(waiting), timeout=PATIENCE)
            client.cancel(list(waiting))


def _task(point: Point, sign: Path, variables: Mapping[Any, Mapping[str, str]]) -> str:
    """On the worker: run the point; "" or why it failed. RuntimeError, for another worker to try, if this one cannot."""
    from distributed import get_worker

    worker = get_worker()
    if problem := cannot_take(point, sign):
        raise RuntimeError(f"worker {worker.address} {problem}")
    ours = {"where": f"on {worker.address}", **variables.get(worker.name, _threads(1))}  # 1: it came later
    worker.log_event(sign.name, f"{point.name}: begins {ours.pop('where')}".rstrip())
    how: dict[str, Any] = {"title": point.name, "variables": ours, "own": True, "patience": PATIENCE}
    try:
        point.folder.mkdir(parents=True, exist_ok=True)
        with open(point.folder / f"{point.chapter.name}.log", "w", encoding="utf-8") as log:
            how |= {"stream": log, "stopped": lambda: not sign.exists()}
            runs.run(point.chapter, point.settings, point.folder, **how)
    except (RunFailed, Refused, OSError) as error:
        return " ".join(str(error).split())
    return ""


def cannot_take(point: Point, sign: Path) -> str:
    """Why this process could not run the point, or ""."""
    if not sign.exists():
        return f"does not see {sign.parent}: all workers must share that folder with this machine"
    with suppress(OSError, ValueError):  # a notebook that is not there, or half-written
        if runs.source_digest(point.chapter) == point.source:
            return ""
    return f"sees another {point.chapter.path}, arae_core or library versions than this machine"


def _variables(client: Client, point: Point, sign: Path, local: bool) -> dict[Any, dict[str, str]]:
    """By the worker's name: its threads, the machine's cores divided by what may run there at once; here its GPU too."""
    try:
        seen = client.run(lambda dask_worker: (cannot_take(point, sign), available_cores(), dask_worker.name))
    except ImportError as error:
        raise Refused(f"a worker cannot import arae_book ({error}): it needs this book's Python") from error
    threads = client.nthreads().items()
    slots = Counter(urlsplit(worker).hostname for worker, count in threads for _ in range(count))
    gpus, found = _gpus() if local else [], {}
    for worker, (problem, cores, name) in seen.items():
        if problem:
            raise Refused(f"worker {worker} {problem}")
        found[name] = _threads(max(1, cores // slots[urlsplit(worker).hostname]))
        if gpus:
            gpu = gpus[name % len(gpus)]
            found[name] |= {"where": f"on GPU {gpu}", "CUDA_VISIBLE_DEVICES": gpu}
        elif local:
            found[name]["where"] = ""
    return found


def _threads(count: int) -> dict[str, str]:
    return dict.fromkeys(_THREADS, str(count))


def _gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that torch sees, one by one."""
    import torch

    visible, count = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count()
    return visible.split(",")[:count] if visible else list(map(str, range(count)))


def _silence() -> None:
    """What goes wrong is said here, in one line."""
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
