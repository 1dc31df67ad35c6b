"""The command `arae`. What it does lies in `publishing`; here are its words, and how it ends.

Exit codes: 0 done; 1 a run or build failed; 2 what was asked for was refused before anything ran; 130 and
143 after Ctrl-C and SIGTERM. A user's error is one line, never a traceback.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from arae_book.chapters import DEFAULT, Refused, find_chapter, find_root, nearest
from arae_core.store import store_dir

_PROFILE = click.option("--profile", default=DEFAULT, show_default=True, metavar="NAME",
                        help="The scale, from book/profiles/CHAPTER/NAME.yaml.")


class _Commands(click.Group):
    def resolve_command(self, context, arguments):
        if arguments and not arguments[0].startswith("-") and arguments[0] not in self.commands:
            raise click.UsageError(f"there is no command {arguments[0]!r}{nearest(arguments[0], self.commands)}")
        return super().resolve_command(context, arguments)


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def arae(context: click.Context) -> None:
    """Run the chapters of the book, and build it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@arae.command()
@click.argument("chapter")
@_PROFILE
@click.option("-p", "given", nargs=2, multiple=True, metavar="KEY VALUE", help="Set one parameter; repeatable.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Where to leave CHAPTER.ipynb and records/ [default: $ARAE_OUT, else runs/CHAPTER in the store].")
def run(chapter: str, profile: str, given: tuple[tuple[str, str], ...], out: Path | None) -> None:
    """Run CHAPTER, everything checked first."""
    from arae_book import costs, execute, parameters
    from arae_book.estimate import announce

    found = find_chapter(find_root(), chapter)
    settings = parameters.settings(found, profile, given)
    out = out or Path(os.environ.get("ARAE_OUT") or store_dir() / "runs" / chapter)
    out = execute.writable(out)
    announce([found], profile, given=bool(costs.beyond_the_profile(found, settings)[1]))
    click.echo(execute.run(found, settings, out))


@arae.command()
@click.argument("chapter")
@_PROFILE
@click.option("-p", "given", nargs=2, multiple=True, metavar="KEY VALUE", help="Set one parameter; repeatable.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Leave a copy of each model here too, named after what it is.")
def train(chapter: str, profile: str, given: tuple[tuple[str, str], ...], out: Path | None) -> None:
    """Train what CHAPTER shows, without its notebook.

    On several GPUs: torchrun --nproc-per-node N -m arae_core train CHAPTER …
    """
    from arae_book import execute, parameters
    from arae_book.train import train

    found = find_chapter(find_root(), chapter)
    settings = parameters.settings(found, profile, given)
    train(found, settings, click.echo, execute.writable(out) if out else None)


@arae.command()
@click.argument("chapters", nargs=-1, metavar="[CHAPTER]...")
@click.option("--profile", default="cifar10", show_default=True, metavar="NAME",
              help="One of the profiles in book/reference/runs.yaml.")
@click.option("--seed", "seeds", type=int, multiple=True, metavar="N", help="Only this seed; repeatable.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what is missing and how long it will take, and stop.")
def reference(chapters: tuple[str, ...], profile: str, seeds: tuple[int, ...], only_plan: bool) -> None:
    """Make the reference runs that are missing.

    Of CHAPTER, or of all; trains, runs the notebooks, and collects records, pictures and models into book/reference.
    What needs a GPU is left out where there is none, unless its CHAPTER is named.
    """
    from arae_book.reference import reference

    reference(find_root(), chapters, profile, seeds=seeds, only_plan=only_plan, say=click.echo)


@arae.command()
@click.argument("chapter")
@_PROFILE
@click.option("-p", "lists", nargs=2, multiple=True, metavar="KEY V1,V2,…",
              help="Sweep one parameter over these values; repeatable, for every combination.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Where to leave a folder a point, and sweep.md, .csv and .png "
                   "[default: sweeps/CHAPTER-PROFILE in the store].")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N",
              help="How many points run at once here [default: one a GPU, else one a core].")
@click.option("--scheduler", metavar="ADDRESS",
              help="Run on the Dask cluster whose scheduler is at ADDRESS (tcp://host:8786). Its workers must "
                   "see DIR and the book under the same paths, on a shared file system.")
def sweep(chapter: str, profile: str, lists: tuple[tuple[str, str], ...], out: Path | None, jobs: int | None,
          scheduler: str | None) -> None:
    """Run CHAPTER at every combination of values.

    A point that is there already does not run again; a failed one does not keep the others from running.
    """
    from arae_book.sweep import sweep

    if jobs and scheduler is not None:
        raise Refused("--jobs is for this machine; with --scheduler, a worker runs as many points as it has "
                      "threads")
    found = find_chapter(find_root(), chapter)
    out = out or store_dir() / "sweeps" / f"{chapter}-{profile}"
    click.echo(sweep(found, profile, lists, out, jobs=jobs, scheduler=scheduler,
                     say=lambda line: click.echo(line, err=True)))


@arae.command()
@_PROFILE
def book(profile: str) -> None:
    """Build the book into _build/html."""
    from arae_book import build

    click.echo(f"The book: {build.book(find_root(), profile)}")


@arae.command()
def refresh() -> None:
    """Store a default run's outputs in book/."""
    from arae_book.refresh import refresh

    changed = refresh(find_root())
    click.echo("\n".join(f"stored {path}" for path in changed) or "nothing changed")


@arae.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Where to leave a JSON a benchmark [default: benchmarks in the store].")
def bench(names: tuple[str, ...], out: Path | None) -> None:
    """Time ours against others, side by side."""
    from benchmarks.harness.bench import bench

    bench(find_root(), names, out or store_dir() / "benchmarks", say=click.echo)


@arae.command()
@click.argument("name", required=False)
@click.option("--write", is_flag=True, help="Make the card of each checkpoint under book/reference anew.")
def models(name: str | None, write: bool) -> None:
    """List the reference models, or show the card of NAME."""
    from arae_book.models import list_models, show_model, write_cards

    if name and write:
        raise Refused("--write makes all cards; leave NAME out")
    if write:
        click.echo("\n".join(f"wrote {path}" for path in write_cards(find_root())) or "nothing changed")
    elif name:
        show_model(find_root(), name, click.echo)
    else:
        list_models(find_root(), click.echo)


@arae.command()
def doctor() -> None:
    """Say what this machine has, and lacks."""
    from arae_book.doctor import report

    click.echo(report())


@arae.command()
@click.argument("folder")
@click.option("--image-size", type=click.IntRange(min=1), default=224, show_default=True, metavar="PIXELS",
              help="The size of the images that will be cut from them, or the largest of several.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Where to leave them [default: beside FOLDER, as FOLDER-shards-PIXELS].")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Threads that decode [default: one a core].")
def shards(folder: str, image_size: int, out: Path | None, jobs: int | None) -> None:
    """Decode the images of FOLDER once, into shards.

    FOLDER is <split>/<class>/<image>, or imagenet or tiny-imagenet under $ARAE_DATA. The folder of shards is then
    given as `dataset` in its place: the same images in the same order, without decoding. A run that was stopped
    goes on where it was; one that is finished does nothing.
    """
    from arae_core.data.places import MissingDataError
    from arae_core.data.sharding import make_shards

    try:
        click.echo("\n".join(make_shards(folder, image_size=image_size, out=out, jobs=jobs)))
    except (MissingDataError, ValueError) as error:
        raise Refused(str(error)) from error


@arae.command()
@click.argument("address", required=False)
def site(address: str | None) -> None:
    """Derive badges and links from ADDRESS."""
    from arae_book.address import set_address

    try:
        changed = set_address(find_root(), address)
    except ValueError as error:
        raise Refused(str(error)) from error
    click.echo("\n".join(f"changed {path}" for path in changed) or "nothing changed")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_status(arguments))


def _status(arguments: list[str] | None) -> int:
    from arae_book.execute import RunFailed

    try:
        return arae.main(arguments, prog_name="arae", standalone_mode=False) or 0
    except (click.ClickException, Refused) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        return _say(" ".join(message.split()), 2)
    except RunFailed as error:
        if error.details:
            click.echo(error.details, err=True)
        return _say(str(error), 1)
    except (click.Abort, KeyboardInterrupt):
        return _say("stopped; what was finished so far is kept, and the same command goes on from there", 130)
    except SystemExit as error:
        if error.code != 143:
            raise
        return _say("terminated; what was finished so far is kept, and the same command goes on from there", 143)
    except OSError as error:
        return _say(str(error), 1)


def _say(message: str, status: int) -> int:
    click.echo(f"arae: {message}", err=True)
    return status


def _terminate(*_: object) -> None:
    raise SystemExit(143)
