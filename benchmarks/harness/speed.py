"""The page "How fast is it?": what `python -m benchmarks` measured, from the records in `book/reference/benchmarks/`."""

from __future__ import annotations

from pathlib import Path

from arae_core.results import Table
from benchmarks.harness.bench_record import BenchRecord, read_benches
from benchmarks.harness.tables import bench_table, growth_table, summary

FOLDER, PAGE = "book/reference/benchmarks", "book/_generated/speed.md"
ORDER = (
    "attack",
    "step-floor",
    "robust-epoch",
    "robust-epoch-half",
    "precision",
    "inversion-step",
    "anomaly",
    "stylise",
    "tiles",
    "metrics",
    "growth",
    "book",
)


def speed(root: Path) -> str:
    """Markdown: a section a machine, with a table of all comparisons, then each by itself."""
    records = sorted(read_benches(root / FOLDER), key=_place)
    machines = list(dict.fromkeys(record.device for record in records))
    lines: list[str] = []
    for machine in sorted(machines):
        lines += _section(machine, [record for record in records if record.device == machine])
    if not any("cuda" in machine for machine in machines):
        lines += [
            "## On a GPU",
            "",
            "Not measured. `make bench` on a machine with one takes larger batches by itself.",
        ]
    return "\n".join(lines) + "\n"


def _section(machine: str, records: list[BenchRecord]) -> list[str]:
    compared = [record for record in records if record.peers]
    rows = [summary(record, peer) for record in compared for peer in record.peers]
    head = ["", "ours", "the other", "times ours (range)", "ours is"]
    measured = sorted({record.created[:10] for record in records})
    lines = [
        f"## {machine.replace('cpu', 'CPU').replace('cuda', 'CUDA')}",
        "",
        f"Measured on {' and '.join(measured)} with {records[0].threads} threads.",
        "",
        Table.of(head, rows).markdown if rows else "",
        "",
    ]
    for record in records:
        shown = growth_table(record) if record.series else bench_table(record)
        lines += [
            f"### {record.title}",
            "",
            f"{record.work}.",
            "",
            shown.markdown,
            "",
            _circumstances(record),
            "",
        ]
        if record.series:
            picture = f"reference/benchmarks/{record.name}-{record.machine}.png"
            lines += [
                f"![{record.title}: a panel a variable, both axes logarithmic, with fitted lines]({picture})",
                "",
            ]
    return lines


def _circumstances(record: BenchRecord) -> str:
    """One line in small print: how busy the machine was, whose versions, which commit."""
    busy = (
        f"load {' before, '.join(f'{its:g}' for its in record.load)} after; " if len(record.load) == 2 else ""
    )
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    commit = (
        f"commit {record.commit[:10]}{', changed' if record.dirty else ''}" if record.commit else "no commit"
    )
    return f"<small>`python -m benchmarks {record.name}`; {busy}{versions}; {commit}</small>"


def _place(record: BenchRecord) -> tuple[int, str]:
    return (ORDER.index(record.name) if record.name in ORDER else len(ORDER), record.name)
