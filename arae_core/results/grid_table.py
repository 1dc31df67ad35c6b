"""Tables of many settings at once: a sweep's points, or several methods on the same images."""

from collections.abc import Iterable, Sequence

from .record import Record, RecordError, by_seed
from .tables import Table, caption, cell, layout, left_out, measure


def grid_table(records: Iterable[Record], keys: Sequence[str], metrics: Sequence[str] | None = None) -> Table:
    """A row for each setting of `keys`, a column for each measure.

    keys: parameters (or a run's own points) that vary between the records, "eps" or "seed". metrics: full
    names ("psnr/robust/pixel+feature"); by default all that were recorded. Records of one setting that differ
    in their seed alone make one row: mean ± standard deviation over seeds; a single one gives the spread over
    images. Raises RecordError if there are no records, if one lacks a key, or if those of one row differ in
    more than their seed.
    """
    groups: dict[str, list[Record]] = {}
    for record in _sorted(records, keys):
        groups.setdefault(repr([record.setting.get(key) for key in keys]), []).append(record)
    rows = [group if "seed" in keys else list(by_seed(group).values()) for group in groups.values()]
    all_records = [record for row in rows for record in row]
    metrics = metrics or list(dict.fromkeys(name for record in all_records for name in record.metrics))
    reasons, marks = left_out(all_records, {name.split("/")[0] for name in metrics})
    head = [*keys, *(_heading(name) for name in metrics)]
    body = []
    for row in rows:
        values = [_shown(row[0].setting.get(key)) for key in keys]
        body.append(values + [cell(row, name, marks.get(name.split("/")[0], "")) for name in metrics])
    note = caption(max(rows, key=len), metrics)
    if "seed" in keys:
        note = note.rpartition(", seed")[0] + "."  # each row has its own
    return Table(layout(head, body, [note, *reasons], names=len(keys)))


def method_table(
    records: Record | Iterable[Record], metrics: Sequence[str], methods: Sequence[str] | None = None
) -> Table:
    """A method a row, a metric a column, of measures named <metric>/<method> ("psnr/ours").

    methods: by default all that were recorded under one of the metrics. What was not measured for a method is
    a dash. From several records (seeds): mean ± standard deviation over them. Raises RecordError as `table`.
    """
    records = [records] if isinstance(records, Record) else list(records)
    if not records:
        raise RecordError("no records to draw a table from: run the chapter first")
    runs = list(by_seed(records).values())
    if methods is None:
        names = [name.split("/") for run in runs for name in run.metrics]
        methods = list(dict.fromkeys(n[1] for n in names if len(n) == 2 and n[0] in metrics))
    reasons, marks = left_out(runs, set(metrics))
    head = ["", *(f"{measure(metric).label} {measure(metric).better}".strip() for metric in metrics)]
    body = [[m, *(cell(runs, f"{metric}/{m}", marks.get(metric, "")) for metric in metrics)] for m in methods]
    shown = [f"{metric}/{m}" for metric in metrics for m in methods]
    return Table(layout(head, body, [caption(runs, shown), *reasons]))


def _sorted(records: Iterable[Record], keys: Sequence[str]) -> list[Record]:
    """By the keys' values, numbers as numbers; values that cannot be compared stay in their order."""
    records = list(records)
    if not records:
        raise RecordError("no records to draw a table from: run the sweep first")
    for key in keys:
        if not any(key in record.setting for record in records):
            raise RecordError(f"none of the {len(records)} records has a setting {key}")
    try:
        places = [[(key in r.setting, r.setting.get(key, 0)) for key in keys] for r in records]
        return [records[i] for i in sorted(range(len(records)), key=places.__getitem__)]
    except TypeError:
        return records


def _heading(name: str) -> str:
    """psnr/robust/pixel+feature as "PSNR (dB) ↑, robust, pixel+feature"."""
    metric, *rest = name.split("/")
    return ", ".join([f"{measure(metric).label} {measure(metric).better}".strip(), *rest])


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
