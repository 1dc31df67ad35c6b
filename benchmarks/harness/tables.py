"""Benchmarks as tables. Nobody types a number, and no claim is made where ranges overlap."""

from __future__ import annotations

from collections.abc import Sequence

from arae_core.results.tables import Table
from benchmarks.harness.bench_record import BenchRecord


def bench_table(record: BenchRecord) -> Table:
    """A contender a row, ours first: seconds (median, range), items a second, ratio (of medians, range of pairs)."""
    rows = []
    for name, times in record.times.items():
        own = [
            name,
            f"{show(record.seconds(name))}",
            f"{show(min(times))} to {show(max(times))}",
            f"{record.items / record.seconds(name):,.4g}",
        ]
        if name == record.ours:
            rows.append([*own, "", ""])
            continue
        ratio, low, high = record.ratio(name)
        rows.append([*own, f"{ratio:.2f} ({low:.2f} to {high:.2f})", record.equal.get(name, "")])
    notes = [f"{name}: left out, {reason}" for name, reason in record.left_out.items()]
    notes += [f"{label}: {_fact(value)}" for label, value in record.facts.items()]
    return Table.of(
        ["", "seconds, median", "range", f"{record.item}s a second", "times ours", "equal"], rows, *notes
    )


def summary(record: BenchRecord, peer: str) -> list[str]:
    """One row of the table of all: what, ours, the peer, its ratio with the range, and what may be claimed."""
    ratio, low, high = record.ratio(peer)
    return [
        record.title,
        f"{record.ours} {show(record.seconds(record.ours))} s",
        f"{peer} {show(record.seconds(peer))} s",
        f"{ratio:.2f} ({low:.2f} to {high:.2f})",
        record.verdict(peer),
    ]


def last_line(record: BenchRecord) -> str:
    """The benchmark in one line: ours, each peer, ratio and range."""
    parts = [
        f"{peer} {show(record.seconds(peer))} s, ratio {record.ratio(peer)[0]:.2f} "
        f"({record.ratio(peer)[1]:.2f} to {record.ratio(peer)[2]:.2f}), {record.verdict(peer)}"
        for peer in record.peers
    ]
    if not parts:  # forms of ours among themselves
        parts = [f"{label} {_fact(value)}" for label, value in record.facts.items()]
    return f"{record.name}: {record.ours} {show(record.seconds(record.ours))} s; " + "; ".join(parts)


def growth_table(record: BenchRecord) -> Table:
    """A variable a row: its values, the cost at each, and the exponent."""
    rows: Sequence[Sequence[str]] = [
        [
            variable,
            ", ".join(f"{x:,g}" for x in its["x"]),
            ", ".join(show(y) for y in its["y"]),
            its["unit"],
            f"{its['exponent']:.2f}",
        ]
        for variable, its in record.series.items()
    ]
    notes = [f"{label}: {_fact(value)}" for label, value in record.facts.items()]
    return Table.of(["grows with", "at", "cost", "unit", "exponent"], rows, *notes)


def _fact(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def show(number: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{number:.3g}" if number < 1000 else f"{number:.0f}"


def growth_line(record: BenchRecord) -> str:
    """A growth in one line: each variable's exponent."""
    parts = [f"{variable} {its['exponent']:.2f}" for variable, its in record.series.items()]
    return f"{record.name}: exponents " + ", ".join(parts)
