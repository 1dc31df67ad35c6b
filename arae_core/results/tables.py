"""Tables drawn from records: a condition, a method or a setting a row. Nobody types a number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf, isfinite
from statistics import mean, stdev

from .intervals import Estimate
from .record import Record, RecordError, by_seed

Records = Record | Iterable[Record]
Names = Sequence[str]


@dataclass(frozen=True)
class Measure:
    """How a metric is shown: its label, which way is better, decimals, its scale on the page, and its range."""

    label: str
    better: str = ""  # ↑ or ↓, or nothing
    decimals: int = 3
    scale: float = 1.0
    share: bool = False  # a share of images: its spread over them says nothing that the value does not
    lowest: float = -inf
    highest: float = inf

    @property
    def heading(self) -> str:
        return f"{self.label} {self.better}".strip()

    def shown(self, value: float, sign: str = "") -> str:
        """A value at its scale; sign: "+" to have one in any case."""
        return f"{value * self.scale:{sign}.{self.decimals}f}"

    def estimate(self, estimate: Estimate, sign: str = "", gap: str = "\u00a0") -> str:
        """A mean and its interval, which ends where the measure does; gap: what stands between the ends. sign: "+" for a
        difference."""
        lowest, highest = (0.0, 1.0) if self.share else (self.lowest, self.highest)
        if sign:
            lowest, highest = lowest - highest, highest - lowest
        ends = (min(max(number, lowest), highest) for number in estimate)
        value, low, high = (self.shown(number, sign).replace("-", "−") for number in ends)
        return value + (f" [{low},{gap}{high}]" if isfinite(estimate[1]) else "")


MEASURES = {
    "psnr": Measure("PSNR (dB)", "↑", 2),
    "ssim": Measure("SSIM", "↑", lowest=-1.0, highest=1.0),
    "lpips": Measure("LPIPS", "↓"),
    "worth": Measure("principal components that draw as well", "↑", 0),
    "accuracy": Measure("accuracy (%)", "↑", 1, scale=100, share=True),
    "gram": Measure("Gram loss × 1000 (VGG-19)", "↓", 2, scale=1000),
    "gram_by_standard": Measure("relative Gram loss (standard f)", "↓"),
    "gram_by_robust": Measure("relative Gram loss (robust f)", "↓"),
    "auroc": Measure("AUROC", "↑", share=True),
    "image_error": Measure("image error (%)", "↓", 1, scale=100),
    "feature_error": Measure("feature error (%)", "↓", 1, scale=100),
    "feature_drop": Measure("feature error, start / end", "↑", 1),
    "search_psnr": Measure("PSNR (dB), training crops", "↑", 2),
    "search_drop": Measure("feature error, start / end, training crops", "↑", 1),
    "parameters": Measure("parameters (M)", "", 2, scale=1e-6),
    "gflop": Measure("GFLOP an image", "↓"),
    "milliseconds": Measure("ms an image", "↓", 2),
    "sensitivity": Measure("relative change of z", "", 2),
    "dimensions": Measure("directions of z", "", 1),
    "trend": Measure("rank correlation", "", 2, lowest=-1.0, highest=1.0),
    "peak": Measure("best radius", "", 2),
    "clean_accuracy": Measure("clean accuracy (%)", "↑", 1, scale=100, share=True),
    "robust_accuracy": Measure("accuracy under PGD (%)", "↑", 1, scale=100, share=True),
    "training_passes": Measure("training, forward passes an image", "↓", 0),
    "search_speedup": Measure("times as fast in batches", "↑", 1),
}


def measure(name: str) -> Measure:
    """How to show a metric, or a measure of it ("psnr/robust/pixel"); one without an entry goes by its own name."""
    return MEASURES.get(_metric(name)) or Measure(_metric(name))


@dataclass(frozen=True)
class Table:
    """Displays as a table in Jupyter, on the page and in a terminal; `markdown` is its text."""

    markdown: str

    @classmethod
    def of(cls, head: Names, body: Iterable[Names], *notes: str, names: int = 1) -> "Table":
        """A table of texts, shown as they are: the first `names` columns name the rows; the notes stand below it."""
        rows = [[escape(cell) for cell in row] for row in (head, *body)]
        rows.insert(1, [":--"] * names + ["--:"] * (len(head) - names))
        return cls(lines(rows) + "\n\n" + "  \n".join(map(escape, notes)))

    def __repr__(self) -> str:
        return self.markdown

    _repr_markdown_ = __repr__


def table(
    records: Records,
    metrics: Names,
    *,
    encoders: Names = ("standard", "robust"),
    conditions: Names | None = None,
) -> Table:
    """The metrics of each encoder under each condition (by default all of them, as first recorded).

    From one record: value ± standard deviation over images. From several, which may differ in nothing
    but their seed (else RecordError): mean over seeds ± standard deviation over seeds. A metric that was
    left out is a dash with the reason below; what was not measured under a condition, a plain dash.
    """
    columns = [f"{metric}/{encoder}" for metric in metrics for encoder in encoders]
    return _one_setting(records, columns, conditions, depth=2)


def method_table(records: Records, metrics: Names, methods: Names | None = None) -> Table:
    """A method a row, a metric a column, of measures named <metric>/<method> ("psnr/ours").

    methods: by default all that were recorded under one of the metrics. What was not measured for a method is
    a dash. From several records (seeds): mean ± standard deviation over them. Raises RecordError as `table`.
    """
    return _one_setting(records, metrics, methods, depth=1)


def grid_table(records: Iterable[Record], keys: Names, metrics: Names | None = None) -> Table:
    """A row for each setting of `keys`, a column for each measure.

    keys: parameters (or a run's own points) that vary between the records, "eps" or "seed". metrics: full
    names ("psnr/robust/pixel+feature"); by default all that were recorded. Records of one setting that differ
    in their seed alone make one row: mean ± standard deviation over seeds; a single one gives the spread over
    images. Raises RecordError if there are no records, if one lacks a key, or if those of one row differ in
    more than their seed.
    """
    records = list(records)
    if not records:
        raise RecordError("no records to draw a table from: run the sweep first")
    for key in keys:
        if not any(key in record.setting for record in records):
            raise RecordError(f"none of the {len(records)} records has a setting {key}")
    try:  # numbers as numbers
        records = sorted(records, key=lambda r: [(key in r.setting, r.setting.get(key, 0)) for key in keys])
    except TypeError:
        pass  # values that cannot be compared stay in their order
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(repr([record.setting.get(key) for key in keys]), []).append(record)
    found = [group if "seed" in keys else list(by_seed(group).values()) for group in groups.values()]
    runs = list(chain.from_iterable(found))
    metrics = metrics or list(dict.fromkeys(name for record in runs for name in record.metrics))
    rows = [([_text(of[0].setting.get(key)) for key in keys], of, metrics) for of in found]
    note = _caption(max(found, key=len), metrics)
    if "seed" in keys:
        note = note.rpartition(", seed")[0] + "."  # each row has its own
    return _drawn(keys, metrics, rows, runs, note)


def lines(rows: Iterable[Iterable[str]]) -> str:
    """Markdown of a table's rows, the head and the line below it among them."""
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def escape(text: str) -> str:
    """Text that Markdown, with TeX between dollars, shows as it is."""
    for sign in "\\*_`$|<>":
        text = text.replace(sign, "\\" + sign)
    return text


def _one_setting(records: Records, columns: Names, names: Names | None, depth: int) -> Table:
    """A row for each of `names`, with which the columns are measures; by default for what was recorded, with names of
    that depth, under the columns' metrics."""
    runs = list(by_seed([records] if isinstance(records, Record) else records).values())
    if not runs:
        raise RecordError("no records to draw a table from: run the chapter first")
    if names is None:
        metrics = {_metric(column) for column in columns}
        found = [name.split("/") for run in runs for name in run.metrics]
        names = list(dict.fromkeys(n[depth] for n in found if len(n) == depth + 1 and n[0] in metrics))
    rows = [([name], runs, [f"{column}/{name}" for column in columns]) for name in names]
    note = _caption(runs, [measure for *_, measures in rows for measure in measures])
    return _drawn([""], columns, rows, runs, note)


def _drawn(corner: Names, columns: Names, rows: list[tuple], runs: list[Record], note: str) -> Table:
    """rows: of each its names, its records, its measures. columns: what is the same in the measures of all rows."""
    metrics = {_metric(column) for column in columns}
    left_out = {m: reason for run in runs for m, reason in run.left_out.items() if m in metrics}
    marks = {metric: "*†‡§"[i % 4] * (1 + i // 4) for i, metric in enumerate(left_out)}
    head = [", ".join([measure(column).heading, *column.split("/")[1:]]) for column in columns]
    sign = {name: marks.get(_metric(name), "") for *_, measures in rows for name in measures}
    body = [names + [_cell(of, name, sign[name]) for name in measures] for names, of, measures in rows]
    reasons = [f"{marks[metric]} {measure(metric).label}: {reason}." for metric, reason in left_out.items()]
    return Table.of([*corner, *head], body, note, *reasons, names=len(corner))


def _metric(measure: str) -> str:
    return measure.partition("/")[0]


def _cell(runs: list[Record], name: str, mark: str) -> str:
    """A measure as shown: over images from one run, over seeds from several; a dash where there is none."""
    found = [run.metrics[name] for run in runs if name in run.metrics]
    if not found:
        return "–" + mark
    kind = measure(name)
    if len(found) == 1:
        alone = kind.share or len(runs) > 1 or found[0]["n"] == 1
        value, spread = found[0]["value"], None if alone else found[0]["std"]
    else:
        value, spread = mean(f["value"] for f in found), stdev(f["value"] for f in found)
    text = kind.shown(value) + (f" ± {kind.shown(spread)}" if spread is not None else "")
    return text + (f" ({len(found)} of {len(runs)} seeds)" if len(found) < len(runs) else "")


def _caption(runs: list[Record], names: Iterable[str]) -> str:
    """Profile, data and what the spread is over. names: the measures shown, in full; those not there do not count."""
    first = runs[0]
    said = f"Profile {first.profile}, data {first.data_said}"
    if len(runs) > 1:
        return f"{said}; mean ± standard deviation over {len(runs)} seeds."
    counts = sorted({int(first.metrics[name]["n"]) for name in names if name in first.metrics} - {1})
    if not counts:  # numbers of the whole run have no spread
        return f"{said}, seed {first.seed}."
    images = " to ".join(f"{n:,}" for n in dict.fromkeys((counts[0], counts[-1])))
    return f"{said}; mean ± standard deviation over {images} images, seed {first.seed}."


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
