"""`arae sweep`: a grid of runs of one chapter, each in its own folder, and one table, file and figure of all.

Only what is missing runs, so a sweep that was stopped, or lost a point, goes on with the same command.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from . import cluster
from .chapters import Chapter
from .grid import Lists, Point, grid
from .merge import merge
from .runs import RunFailed, alone, writable

if TYPE_CHECKING:  # a second that a refusal need not wait for
    from distributed import Client

Say = Callable[[str], object]


def sweep(
    chapter: Chapter,
    profile: str,
    lists: Lists,
    out: Path,
    jobs: int | None,
    scheduler: str | None,
    say: Say = print,
) -> Path:
    """Run the points of the grid that are not done, here or on the cluster, and return out/sweep.md.

    lists, out: see `grid.grid`. jobs: how many at once here, see `cluster.here`. scheduler: address of a
    Dask scheduler whose workers share `out` and the book's folder. A point that fails does not keep the
    others from running; then RunFailed names those that did. Refused, before anything runs: what `grid`
    refuses, a scheduler that does not answer or has no fitting worker, an `out` that cannot be written or
    that another sweep writes. RunFailed, too, if the scheduler is lost.
    """
    out = out.expanduser().absolute()
    points = grid(chapter, profile, lists, out)
    with ExitStack() as held:
        client = held.enter_context(cluster.connected(scheduler)) if scheduler is not None else None
        writable(out)
        held.enter_context(alone(out / ".sweep.lock", f"sweep is writing {out}"))
        missing = [point for point in points if not point.done()]
        say(_what_there_is(points, missing))
        failed = {}
        if missing:
            client = client or held.enter_context(cluster.here(len(missing), jobs))
            failed = _run(missing, out, client, len(points), say, local=scheduler is None)
        merged = merge(chapter, profile, points, failed, out)
    said = f"{len(points) - len(failed)} of {len(points)} points are in {out}"
    if failed:
        raise RunFailed(f"{said}; the same command tries those again that failed: {' '.join(failed)}")
    say(said)
    return merged


def _run(
    missing: list[Point], out: Path, client: Client, count: int, say: Say, *, local: bool
) -> dict[str, str]:
    """Run them all; return those that failed, with the reason."""
    ended, began, failed = count - len(missing), {}, {}

    def begins(name: str, where: str) -> None:
        began[name] = time.monotonic()
        say(f"{name}: begins {where}".rstrip())

    with closing(
        cluster.run(client, missing, out, begins, say, local=local)
    ) as outcomes:  # Ctrl-C stops what runs
        for point, why in outcomes:
            ended += 1
            minutes, seconds = divmod(round(time.monotonic() - began.get(point.name, time.monotonic())), 60)
            how = f"failed: {why}" if why else f"done in {minutes}:{seconds:02}"
            say(f"{point.name}: {how} [{ended}/{count}]")
            if why:
                failed[point.name] = why
    return failed


def _what_there_is(points: list[Point], missing: list[Point]) -> str:
    there, outdated = len(points) - len(missing), sum(point.notebook.is_file() for point in missing)
    line = f"{len(points)} points" + (f", {there} of them done already" if there else "")
    again = f"; {outdated} made from another notebook, package or library run again"
    return line + (again if outdated else "")
