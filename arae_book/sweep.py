"""`arae sweep`: a grid of runs of one chapter, each in its own folder, and one table, file and figure of all.

Only what is missing runs, so a sweep that was stopped, or lost a point, goes on with the same command.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from . import cluster
from .chapters import Chapter
from .estimate import announce
from .execute import RunFailed, alone, writable
from .grid import grid
from .local import run_here
from .merge import merge
from .points import Point

if TYPE_CHECKING:  # an extra
    from distributed import Client


def sweep(chapter: Chapter, profile: str, lists: Iterable[tuple[str, str]], out: Path, *,
          jobs: int | None = None, scheduler: str | None = None, say: Callable[[str], None] = print) -> Path:
    """Run the points of the grid that are not done, here or on the cluster, and return out/sweep.md.

    lists, out: see `grid.grid`. jobs: how many at once here, see `local.places`. scheduler: address of a
    Dask scheduler whose workers share `out` and the book's folder. A point that fails does not keep the
    others from running; then RunFailed names those that did. Refused, before anything runs: what `grid`
    refuses, a scheduler that does not answer or has no fitting worker, an `out` that cannot be written or
    that another sweep writes. RunFailed, too, if the scheduler is lost.
    """
    out = out.expanduser().absolute()
    points = grid(chapter, profile, lists, out)
    with cluster.connected(scheduler) if scheduler is not None else nullcontext() as client:
        writable(out)
        with alone(out / ".sweep.lock", f"sweep is writing {out}"):
            missing = [point for point in points if not point.done()]
            say(_what_there_is(points, missing))
            announce([chapter] if missing else [], profile, given=True, points=len(missing),
                     elsewhere=client is not None, say=say)
            failed = _run(missing, out, client, jobs, say) if missing else {}
            merged = merge(chapter, profile, points, failed, out)
    said = f"{len(points) - len(failed)} of {len(points)} points are in {out}"
    if failed:
        raise RunFailed(f"{said}; the same command tries those again that failed: {' '.join(failed)}")
    say(said)
    return merged


def _run(points: list[Point], out: Path, client: Client | None, jobs: int | None,
         say: Callable[[str], None]) -> dict[str, str]:
    """Run them all; return those that failed, with the reason."""
    progress, failed = _Progress(len(points), say), {}
    outcomes = (cluster.run_there(client, points, out, progress.begins, say) if client
                else run_here(points, jobs, progress.begins))
    with closing(outcomes):  # also when Ctrl-C comes: what runs is stopped then
        for point, why in outcomes:
            progress.ends(point, why)
            if why:
                failed[point.name] = why
    return failed


class _Progress:
    """A line when a point begins, and one when it ends."""

    def __init__(self, count: int, say: Callable[[str], None]):
        self._count, self._say, self._ended = count, say, 0
        self._began: dict[str, float] = {}

    def begins(self, point: Point, where: str) -> None:
        self._began[point.name] = time.monotonic()
        self._say(f"{point.name}: begins {where}".rstrip())

    def ends(self, point: Point, why: str) -> None:
        self._ended += 1
        minutes, seconds = divmod(round(time.monotonic() - self._began.get(point.name, time.monotonic())), 60)
        how = f"failed: {why}" if why else f"done in {minutes}:{seconds:02}"
        self._say(f"{point.name}: {how} [{self._ended}/{self._count}]")


def _what_there_is(points: list[Point], missing: list[Point]) -> str:
    there, outdated = len(points) - len(missing), sum(point.outdated() for point in missing)
    line = f"{len(points)} points" + (f", {there} of them done already" if there else "")
    again = f"; {outdated} made from another notebook, package or library run again"
    return line + (again if outdated else "")
