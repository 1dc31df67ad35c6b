"""A sweep's points on a Dask cluster: a task a point, run again elsewhere when its worker dies.

A worker runs a point as this machine would, in a process of its own, with the worker's own environment (its
ARAE_STORE and ARAE_DATA) and its Python. It has to share a file system with this machine: results go straight
into the sweep's folder, and the notebook comes from the book's. A hidden file in the sweep's folder, there as
long as the sweep lives, shows both: a worker that does not see it cannot take part, and stops when it goes.
Dask gives each worker one thread for arithmetic; a point gets its share of the machine's cores instead.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from .chapters import Refused
from .execute import RunFailed, environment
from .footprint import available_cores
from .local import threads
from .points import Point

if TYPE_CHECKING:  # an extra
    from distributed import Client, Future

ANSWER = 5  # seconds that a scheduler and its first worker have to answer
_RETRIES = 3  # of a point on workers that cannot take it
_SIGN = ".sweep-"


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the Dask scheduler at address, say tcp://host:8786. Refused: Dask is not installed, no
    scheduler answers within seconds, or it has no worker."""
    try:
        from distributed import Client
    except ImportError as error:
        raise Refused("--scheduler needs Dask, which is not installed: pip install -e '.[cluster]' in the "
                      "book's folder (or pip install distributed)") from error
    for name in logging.root.manager.loggerDict:
        if name.startswith("distributed"):  # what goes wrong is said here, in one line
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=ANSWER)
    except Exception as error:  # who answers there and is no scheduler confuses Dask in his own way
        why = " ".join(str(error).split()) or type(error).__name__
        raise Refused(f"no Dask scheduler answers at {address} ({why[:200]}): start one with "
                      "`dask scheduler`, and give the address that it prints") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER)
        except TimeoutError as error:
            raise Refused(f"the Dask scheduler at {address} has no workers: start some with "
                          f"`dask worker {address} --nthreads 1`") from error
        yield client


def run_there(client: Client, points: list[Point], out: Path, begins: Callable[[Point, str], None],
              say: Callable[[str], None]) -> Iterator[tuple[Point, str]]:
    """Run the points; yield each as it ends, with "" or the reason why it failed.

    begins: told of each point that starts, and where. Closing the iterator stops the points that run.
    Refused, before one runs: a worker that does not see `out`, or sees another book, package or libraries.
    RunFailed: the scheduler was lost.
    """
    from distributed import CancelledError, wait

    by_name = {point.name: point for point in points}
    for left in out.glob(f"{_SIGN}*"):  # by a sweep that was killed; what its workers still run stops
        left.unlink(missing_ok=True)
    sign = out / f"{_SIGN}{uuid4().hex[:8]}"
    sign.touch()
    waiting: dict[Future, Point] = {}
    try:
        shares = _shares(client, points[0], sign)
        client.subscribe_topic(sign.name, lambda event: begins(by_name[event[1][0]], f"on {event[1][1]}"))
        waiting = {client.submit(_task, point, sign, shares, pure=False, retries=_RETRIES): point
                   for point in points}
        while waiting:
            try:
                ended = wait(list(waiting), timeout=30, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                if not client.nthreads():
                    say("the cluster has lost all its workers; waiting for new ones")
                continue
            except CancelledError as error:
                raise RunFailed("the Dask scheduler was lost; what is done is kept, and the same command "
                                "goes on from there") from error
            for future in ended:
                yield waiting.pop(future), _outcome(future)
    finally:
        sign.unlink(missing_ok=True)
        client.cancel(list(waiting))


def _task(point: Point, sign: Path, shares: Mapping[str, int]) -> str:
    """On the worker: run the point. Raises RuntimeError, for another worker to try, where this one cannot."""
    from distributed import get_worker

    worker = get_worker()
    if problem := cannot_take(point, sign):
        raise RuntimeError(f"worker {worker.address} {problem}")
    worker.log_event(sign.name, [point.name, worker.address])
    variables = environment(point.folder, point.chapter.root) | threads(shares.get(worker.address, 1))
    return point.run(variables, lambda: not sign.exists())


def cannot_take(point: Point, sign: Path) -> str:
    """Why this process could not run the point, or ""."""
    if not sign.exists():
        return f"does not see {sign.parent}: all workers must share that folder with this machine"
    try:
        with tempfile.TemporaryFile(dir=sign.parent):
            pass
    except OSError as error:
        return f"cannot write into {sign.parent}: {error.strerror or error}"
    if not point.unchanged():
        return f"sees another {point.chapter.path}, arae_core or library versions than this machine"
    return ""


def _shares(client: Client, point: Point, sign: Path) -> dict[str, int]:
    """How many cores each worker has for one point: its machine's, divided by what may run there at once."""
    try:
        seen = client.run(_look, point, sign)
    except ImportError as error:
        raise Refused(f"a worker cannot import arae_core ({error}): start the workers with this book's "
                      "Python") from error
    for worker, (problem, _) in seen.items():
        if problem:
            raise Refused(f"worker {worker} {problem}")
    slots: Counter[str | None] = Counter()
    for worker, count in client.nthreads().items():
        slots[urlsplit(worker).hostname] += count
    return {worker: max(1, cores // slots[urlsplit(worker).hostname]) for worker, (_, cores) in seen.items()}


def _look(point: Point, sign: Path) -> tuple[str, int]:
    return cannot_take(point, sign), available_cores()


def _outcome(future) -> str:
    error = future.exception()
    return f"{type(error).__name__}: {' '.join(str(error).split())}" if error else future.result()
