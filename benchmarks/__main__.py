"""`python -m benchmarks [NAME…]`: each module here with a function `run(device)` that returns a BenchRecord.

The others that ours is compared with are the extra `bench` (`make bench` installs them); what is missing is left out,
with the reason in the record. Records go into `book/reference/benchmarks/` or `--out`, and the page "How fast is it?"
is drawn anew from those that lie there.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import click
import torch

from arae_core.figures import save_picture
from arae_core.store import write_whole
from benchmarks.harness import BenchRecord, Unequal, bench_table, growth_line, growth_table, last_line
from benchmarks.harness.growth import growth_curves
from benchmarks.harness.speed import FOLDER, PAGE, speed

ROOT = Path(__file__).resolve().parents[1]
SLOW = ("book",)  # builds the whole book several times: only when named


def all_benchmarks() -> dict[str, str]:
    """Name to module: benchmarks/robust_epoch.py is "robust-epoch"."""
    files = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return {
        path.stem.replace("_", "-"): f"benchmarks.{path.stem}"
        for path in files
        if "def run(" in path.read_text("utf-8")
    }


def bench(modules: dict[str, str], out: Path, say=click.echo) -> list[BenchRecord]:
    """Run them one after another, a record of each into `out`.

    Raises ClickException, after the others, for those whose contenders did not do the same.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    records, unequal = [], []
    for name, module in modules.items():
        try:
            record = importlib.import_module(module).run(device)
        except Unequal as error:
            unequal.append(f"{name}: not the same work: {error}")
            say(unequal[-1])
            continue
        records.append(record)
        path = record.write(out)
        if record.series:
            save_picture(growth_curves(record.series), path.with_suffix(".png"))
        shown = bench_table(record) if record.times else growth_table(record)
        say(f"\n{record.title}. {record.work}\n\n{shown.markdown}\n\n{path}")
    say("")
    for record in records:
        say(last_line(record) if len(record.times) > 1 else growth_line(record))
    if unequal:
        raise click.ClickException("; ".join(unequal))
    return records


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Where to leave the records [default: {FOLDER}].",
)
def main(names: Sequence[str], out: Path | None) -> None:
    """Time ours against others, side by side: all benchmarks, or those named. Nothing else should run."""
    known = all_benchmarks()
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"there is no benchmark {unknown[0]!r}; there are {', '.join(known)}")
    bench({name: known[name] for name in names or [n for n in known if n not in SLOW]}, out or ROOT / FOLDER)
    if out is None:
        write_whole(ROOT / PAGE, speed(ROOT).encode())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
