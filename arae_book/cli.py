"""`arae`, the command line.

Exit codes: 0 done; 1 a chapter, or the site, failed; 2 refused before anything ran; 130 and 143 after Ctrl-C and
SIGTERM. A user's error is one line, never a traceback.
"""

import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from arae_book.chapters import DEFAULT, Refused, find_chapter, find_root
from arae_core.store import out_dir, store_dir

Pairs = tuple[tuple[str, str], ...]
_KEPT = "what was finished so far is kept, and the same command goes on from there"
_CHAPTER = click.argument("chapter")


def _profile(default: str = DEFAULT, where: str = "book/profiles/NAME.yaml") -> Any:
    told = f"The scale, from {where}."
    return click.option("--profile", default=default, show_default=True, metavar="NAME", help=told)


def _pairs(values: str, told: str) -> Any:
    return click.option("-p", "given", nargs=2, multiple=True, metavar=f"KEY {values}", help=told)


def _out(told: str) -> Any:
    return click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=told)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def arae(context: click.Context) -> None:
    """Run the chapters of the book, and build it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@arae.command()
@_CHAPTER
@_profile()
@_pairs("VALUE", "Set one parameter; repeatable.")
@_out("Where to leave CHAPTER.ipynb and records/ [default: $ARAE_OUT, else runs/CHAPTER in the store].")
def run(chapter: str, profile: str, given: Pairs, out: Path | None) -> None:
    """Run CHAPTER, everything checked first."""
    from arae_book import profiles, runs

    found = find_chapter(find_root(), chapter)
    settings = profiles.asked(chapter, profile, given, found.root)
    click.echo(runs.run(found, settings, out or out_dir(chapter)))


@arae.command()
@_CHAPTER
@_profile()
@_pairs("VALUE", "Set one parameter; repeatable.")
@_out("Leave a copy of each model here too, named after what it is.")
def train(chapter: str, profile: str, given: Pairs, out: Path | None) -> None:
    """Train what CHAPTER shows, without its notebook.

    On several GPUs: torchrun --nproc-per-node N -m arae_book train CHAPTER …
    """
    from arae_book import profiles, runs
    from arae_book.train import train

    found = find_chapter(find_root(), chapter)
    settings = profiles.asked(chapter, profile, given, found.root)
    train(found, settings, click.echo, runs.writable(out) if out else None)


@arae.command()
@click.argument("chapters", nargs=-1, metavar="[CHAPTER]...")
@_profile("cifar10", "those in book/reference/runs.yaml")
@click.option("--seed", "seeds", type=int, multiple=True, metavar="N", help="Only this seed; repeatable.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what is missing, and stop.")
def reference(chapters: tuple[str, ...], profile: str, seeds: tuple[int, ...], only_plan: bool) -> None:
    """Make the reference runs that are missing.

    Of CHAPTER, or of all; trains, runs the notebooks, and collects records, pictures and models into book/reference.
    What needs a GPU is left out where there is none, unless its CHAPTER is named.
    """
    from arae_book.reference import reference

    reference(find_root(), chapters, profile, seeds=seeds, only_plan=only_plan, say=click.echo)


@arae.command()
@_CHAPTER
@_profile()
@_pairs("V1,V2,…", "Sweep one parameter over these values; repeatable, for every combination.")
@_out("Where to leave a folder a point, and the table of all [default: sweeps/CHAPTER-PROFILE in the store].")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Points at once [default: one a GPU or core]."
)
@click.option("--scheduler", metavar="ADDRESS", help="Run on this Dask cluster (tcp://host:8786).")
def sweep(chapter: str, profile: str, given: Pairs, out: Path | None, **how: Any) -> None:
    """Run CHAPTER at every combination of values.

    A point that is there already does not run again; a failed one does not keep the others from running. The workers
    of a cluster must see DIR and the book under the same paths, on a shared file system.
    """
    from arae_book.sweep import sweep

    if how["jobs"] and how["scheduler"] is not None:
        raise Refused(
            "--jobs is for this machine; on a cluster a worker runs as many points as it has threads"
        )
    found = find_chapter(find_root(), chapter)
    out = out or store_dir() / "sweeps" / f"{chapter}-{profile}"
    click.echo(sweep(found, profile, given, out, say=partial(click.echo, err=True), **how))


@arae.command()
@_profile()
def book(profile: str) -> None:
    """Build the book into _build/html."""
    from arae_book import build

    click.echo(f"The book: {build.book(find_root(), profile)}")


@arae.command()
def refresh() -> None:
    """Store a default run's outputs in book/."""
    from arae_book import build

    _tell("stored", build.refresh(find_root()))


@arae.command()
def models() -> None:
    """List the reference models."""
    from arae_book.generated import models_page

    click.echo(models_page().rstrip())


@arae.command()
def doctor() -> None:
    """Say what this machine has, and lacks."""
    from arae_book.doctor import report

    click.echo(report())


@arae.command()
@click.argument("address", required=False)
def site(address: str | None) -> None:
    """Derive badges and links from ADDRESS."""
    from arae_book.address import set_address

    _tell("changed", set_address(find_root(), address))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_status(arguments))


def _status(arguments: list[str] | None) -> int:
    from arae_book.runs import RunFailed

    try:
        return arae.main(arguments, prog_name="arae", standalone_mode=False) or 0
    except (click.ClickException, Refused) as error:
        said = error.format_message() if isinstance(error, click.ClickException) else str(error)
        status, message = 2, " ".join(said.split())
    except (RunFailed, OSError) as error:
        status, message = 1, str(error)
        if details := getattr(error, "details", ""):
            click.echo(details, err=True)
    except (click.Abort, KeyboardInterrupt):
        status, message = 130, f"stopped; {_KEPT}"
    except SystemExit as error:
        if error.code != 143:
            raise
        status, message = 143, f"terminated; {_KEPT}"
    click.echo(f"arae: {message}", err=True)
    return status


def _tell(done: str, paths: list[Path]) -> None:
    click.echo("\n".join(f"{done} {path}" for path in paths) or "nothing changed")


def _terminate(*_: object) -> None:
    raise SystemExit(143)
