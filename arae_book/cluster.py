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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from arae_core.store import available_cores

from . import runs
from .chapters import Refused
from .grid import Point

if TYPE_CHECKING:  # a second that a refusal need not wait for
    from distributed import Client, Future

Say = Callable[[str], object]
ANSWER = 5  # seconds that a scheduler and its first worker have to answer
PATIENCE = 60  # seconds that a run has to save and end
_RETRIES = 3  # of a point on workers that cannot take it
_SIGN = ".sweep-"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # Ctrl-C is for us: we let points save


@contextmanager
def here(points: int, jobs: int | None = None) -> Iterator[Client]:
    """A client of workers on this machine: one a GPU, else one a core, or as many as $OMP_NUM_THREADS lets the cores
    hold; never more than points. `jobs` overrules this, and workers then share a GPU if need be."""
    from distributed import Client, LocalCluster

    _silence()
    count = min(jobs or len(_gpus()) or max(1, available_cores() // (_asked_threads() or 1)), points)
    options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None, "preload": [_DEAF]}
    with LocalCluster(n_workers=count, silence_logs=logging.CRITICAL, **options) as workers:
        with Client(workers) as client:
            yield client


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the Dask scheduler at address, say tcp://host:8786. Refused: no scheduler answers within seconds, or
    it has no worker."""
    from distributed import Client

    _silence()
    try:
        client = Client(address, timeout=ANSWER)
    except Exception as error:  # who answers there and is no scheduler confuses Dask in his own way
        why = (" ".join(str(error).split()) or type(error).__name__)[:200]
        start = "start one with `dask scheduler`, and give the address that it prints"
        raise Refused(f"no Dask scheduler answers at {address} ({why}): {start}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER)
        except TimeoutError as error:
            start = f"start some with `dask worker {address} --nthreads 1`"
            raise Refused(f"the Dask scheduler at {address} has no workers: {start}") from error
        yield client


def run(client: Client, points: list[Point], out: Path, say: Say, local: bool) -> Iterator[tuple[Point, str]]:
    """Run the points; yield each as it ends, with "" or the reason why it failed.

    say: told of each point that begins, and where. local: the workers are those of `here`. Closing the iterator stops
    the points that run, and waits until their kernels have saved. Refused, before one runs: a worker that does not see
    `out`, or sees another book, package or libraries. RunFailed: the scheduler was lost.
    """
    from distributed import CancelledError, wait

    for left in out.glob(f"{_SIGN}*"):  # by a sweep that was killed; what its workers still run stops
        left.unlink(missing_ok=True)
    sign = out / f"{_SIGN}{uuid4().hex[:8]}"
    sign.touch()
    waiting: dict[Future, Point] = {}
    try:
        variables = _variables(client, points[0], sign, local)
        client.subscribe_topic(sign.name, lambda event: say(event[1]))
        waiting = {client.submit(_task, p, sign, variables, pure=False, retries=_RETRIES): p for p in points}
        while waiting:
            try:
                ended = wait(list(waiting), timeout=30, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                if not client.nthreads():
                    say("the cluster has lost all its workers; waiting for new ones")
                continue
            except CancelledError as error:
                kept = "what is done is kept, and the same command goes on from there"
                raise runs.RunFailed(f"the Dask scheduler was lost; {kept}") from error
            for future in ended:
                error = future.exception()
                why = f"{type(error).__name__}: {' '.join(str(error).split())}" if error else future.result()
                yield waiting.pop(future), why
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
    later = {"where": f"on {worker.address}", **_threads(1)}  # for a worker that came later
    own = {**later, **variables.get(worker.name, {})}
    worker.log_event(sign.name, f"{point.name}: begins {own.pop('where')}".rstrip())
    how: dict[str, Any] = {"title": point.name, "variables": own, "own": True, "patience": PATIENCE}
    try:
        point.folder.mkdir(parents=True, exist_ok=True)
        with open(point.folder / f"{point.chapter.name}.log", "w", encoding="utf-8") as log:
            how |= {"stream": log, "stopped": lambda: not sign.exists()}
            runs.run(point.chapter, point.settings, point.folder, **how)
    except (runs.RunFailed, Refused, OSError) as error:
        return " ".join(str(error).split())
    return ""


def cannot_take(point: Point, sign: Path) -> str:
    """Why this process could not run the point, or ""."""
    if not sign.exists():
        return f"does not see {sign.parent}: all workers must share that folder with this machine"
    if not point.unchanged():
        return f"sees another {point.chapter.path}, arae_core or library versions than this machine"
    return ""


def _variables(client: Client, point: Point, sign: Path, local: bool) -> dict[Any, dict[str, str]]:
    """By the worker's name: its threads, the machine's cores divided by what may run there at once; here its GPU too."""
    try:
        seen = client.run(_look, point, sign)
    except ImportError as error:
        start = "start the workers with this book's Python"
        raise Refused(f"a worker cannot import arae_book ({error}): {start}") from error
    slots = Counter(
        urlsplit(worker).hostname for worker, count in client.nthreads().items() for _ in range(count)
    )
    asked, gpus = (_asked_threads(), _gpus()) if local else (None, [])
    found = {}
    for worker, (problem, cores, name) in seen.items():
        if problem:
            raise Refused(f"worker {worker} {problem}")
        found[name] = _threads(asked or max(1, cores // slots[urlsplit(worker).hostname]))
        if local:
            gpu = gpus[name % len(gpus)] if gpus else ""
            found[name] |= {"where": f"on GPU {gpu}", "CUDA_VISIBLE_DEVICES": gpu} if gpu else {"where": ""}
    return found


def _look(point: Point, sign: Path, dask_worker: Any = None) -> tuple[str, int, Any]:
    return cannot_take(point, sign), available_cores(), dask_worker.name


def _threads(count: int) -> dict[str, str]:
    return dict.fromkeys(_THREADS, str(count))


def _asked_threads() -> int:
    text = os.environ.get(_THREADS[0], "")
    return int(text) if text.isdigit() else 0


def _gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that torch sees, one by one."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    count = torch.cuda.device_count()
    return visible[:count] if visible[0] else [str(index) for index in range(count)]


def _silence() -> None:
    """What goes wrong is said here, in one line."""
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
