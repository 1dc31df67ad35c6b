"""`arae sweep`: a grid of runs of one chapter, each in its own folder, and one table, file and figure of all.

Only what is missing runs, so a sweep that was stopped, or lost a point, goes on with the same command.
"""

from contextlib import ExitStack, closing
from pathlib import Path

from . import cluster
from .chapters import Chapter
from .grid import Lists, grid
from .merge import merge
from .runs import RunFailed, alone, manifest_of, writable


def sweep(
    chapter: Chapter,
    profile: str,
    lists: Lists,
    out: Path,
    *,
    jobs: int | None,
    scheduler: str | None,
    say: cluster.Say,
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
        done, outdated = (
            len(points) - len(missing),
            sum((p.folder / f"{chapter.name}.ipynb").is_file() for p in missing),
        )
        again = f"; {outdated} made from another notebook, package or library run again" if outdated else ""
        say(f"{len(points)} points" + (f", {done} of them done already" if done else "") + again)
        failed: dict[str, str] = {}
        if missing:
            client = client or held.enter_context(cluster.here(len(missing), jobs))
            outcomes = held.enter_context(closing(cluster.run(client, missing, out, say, scheduler is None)))
            for ended, (point, why) in enumerate(
                outcomes, start=done + 1
            ):  # Ctrl-C closes them: what runs is stopped
                failed |= {point.name: why} if why else {}
                minutes, seconds = divmod(round(manifest_of(point.folder).get("seconds", 0)), 60)
                how = f"failed: {why}" if why else f"done in {minutes}:{seconds:02}"
                say(f"{point.name}: {how} [{ended}/{len(points)}]")
        merged = merge(chapter, profile, points, failed, out)
    said = f"{len(points) - len(failed)} of {len(points)} points are in {out}"
    if failed:
        raise RunFailed(f"{said}; the same command tries those again that failed: {' '.join(failed)}")
    say(said)
    return merged
