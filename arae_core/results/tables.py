"""Tables drawn from records: a condition a row, a metric and encoder a column. Nobody types a number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import mean, stdev

from .record import Record, RecordError, by_seed


@dataclass(frozen=True)
class Measure:
    """How a metric is shown: its label, which way is better, decimals, and its scale on the page."""

    label: str
    better: str  # ↑ or ↓, or nothing
    decimals: int
    scale: float = 1.0
    share: bool = False  # a share of images: its spread over them says nothing that the value does not


MEASURES = {
    "psnr": Measure("PSNR (dB)", "↑", 2),
    "ssim": Measure("SSIM", "↑", 3),
    "lpips": Measure("LPIPS", "↓", 3),
    "accuracy": Measure("accuracy (%)", "↑", 1, scale=100, share=True),
    "gram": Measure("Gram loss × 1000 (VGG-19)", "↓", 2, scale=1000),
    "gram_by_standard": Measure("relative Gram loss (standard f)", "↓", 3),
    "gram_by_robust": Measure("relative Gram loss (robust f)", "↓", 3),
    "auroc": Measure("AUROC", "↑", 3, share=True),
    "image_error": Measure("image error (%)", "↓", 1, scale=100),
    "feature_error": Measure("feature error (%)", "↓", 1, scale=100),
    "feature_drop": Measure("feature error, start / end", "↑", 1),
    "search_psnr": Measure("PSNR (dB), training crops", "↑", 2),
    "search_drop": Measure("feature error, start / end, training crops", "↑", 1),
    "parameters": Measure("parameters (M)", "", 2, scale=1e-6),
    "gflop": Measure("GFLOP an image", "↓", 3),
    "milliseconds": Measure("ms an image", "↓", 2),
    "sensitivity": Measure("relative change of z", "", 2),
    "dimensions": Measure("directions of z", "", 1),
    "trend": Measure("rank correlation", "", 2),
    "peak": Measure("best radius", "", 2),
    "clean_accuracy": Measure("clean accuracy (%)", "↑", 1, scale=100, share=True),
    "robust_accuracy": Measure("accuracy under PGD (%)", "↑", 1, scale=100, share=True),
    "training_passes": Measure("training, forward passes an image", "↓", 0),
    "search_speedup": Measure("times as fast in batches", "↑", 1),
}


def measure(metric: str) -> Measure:
    """How to show a metric; one without an entry goes by its own name, with three decimals."""
    return MEASURES.get(metric, Measure(metric, "", 3))


@dataclass(frozen=True)
class Table:
    """Displays as a table in Jupyter, on the page and in a terminal; `markdown` is its text."""

    markdown: str

    @classmethod
    def of(cls, head: Sequence[str], body: Iterable[Sequence[str]], *notes: str) -> "Table":
        """A table of texts, shown as they are: the first column names the rows; the notes stand below it."""
        return cls(layout(list(head), [list(row) for row in body], list(notes)))

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return self.markdown


def table(
    records: Record | Iterable[Record],
    metrics: Sequence[str],
    *,
    encoders: Sequence[str] = ("standard", "robust"),
    conditions: Sequence[str] | None = None,
) -> Table:
    """The metrics of each encoder under each condition (by default all of them, as first recorded).

    From one record: value ± standard deviation over images. From several, which may differ in nothing
    but their seed (else RecordError): mean over seeds ± standard deviation over seeds. A metric that was
    left out is a dash with the reason below; what was not measured under a condition, a plain dash.
    """
    records = [records] if isinstance(records, Record) else list(records)
    if not records:
        raise RecordError("no records to draw a table from: run the chapter first")
    runs = list(by_seed(records).values())
    if conditions is None:
        names = [n.split("/") for run in runs for n in run.metrics]
        conditions = list(dict.fromkeys(n[2] for n in names if len(n) == 3 and n[0] in metrics))
    columns = [(metric, encoder) for metric in metrics for encoder in encoders]
    reasons, marks = left_out(runs, set(metrics))
    head = [""] + [f"{measure(m).label} {measure(m).better}".strip() + f", {e}" for m, e in columns]
    rows = {condition: [f"{metric}/{encoder}/{condition}" for metric, encoder in columns] for condition in conditions}
    body = [[condition, *(cell(runs, name, marks.get(name.split("/")[0], "")) for name in row)]
            for condition, row in rows.items()]
    return Table(layout(head, body, [caption(runs, chain.from_iterable(rows.values())), *reasons]))


def layout(head: list[str], body: list[list[str]], notes: list[str], names: int = 1) -> str:
    """Markdown of a table whose first `names` columns name its rows, with notes below."""
    rows = [head, [":--"] * names + ["--:"] * (len(head) - names), *body]
    lines = ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n\n" + "  \n".join(map(escape, notes))


def left_out(runs: list[Record], metrics: set[str]) -> tuple[list[str], dict[str, str]]:
    """Why metrics are missing: a note each, and the sign by which a dash refers to it."""
    found = {m: r for run in runs for m, r in run.left_out.items() if m in metrics}
    marks = {metric: "*†‡§"[i % 4] * (1 + i // 4) for i, metric in enumerate(found)}
    return [f"{marks[m]} {measure(m).label}: {reason}." for m, reason in found.items()], marks


def escape(text: str) -> str:
    """Text that Markdown, with TeX between dollars, shows as it is."""
    for sign in "\\*_`$|<>":
        text = text.replace(sign, "\\" + sign)
    return text


def cell(runs: list[Record], name: str, mark: str = "") -> str:
    """A measure as shown: over images from one run, over seeds from several; a dash where there is none."""
    found = [run.metrics[name] for run in runs if name in run.metrics]
    if not found:
        return "–" + mark
    kind = measure(name.split("/")[0])
    if len(found) == 1:
        alone = kind.share or len(runs) > 1 or found[0]["n"] == 1
        value, spread = found[0]["value"], None if alone else found[0]["std"]
    else:
        value, spread = mean(f["value"] for f in found), stdev(f["value"] for f in found)
    text = f"{value * kind.scale:.{kind.decimals}f}"
    if spread is not None:
        text += f" ± {spread * kind.scale:.{kind.decimals}f}"
    if len(found) < len(runs):
        text += f" ({len(found)} of {len(runs)} seeds)"
    return text


def caption(runs: list[Record], names: Iterable[str]) -> str:
    """Profile, data and what the spread is over. names: the measures shown, in full; those not there do not count."""
    first = runs[0]
    data = first.data["name"] + (f" ({first.data['notes']})" if first.data["notes"] else "")
    said = f"Profile {first.profile}, data {data}"
    if len(runs) > 1:
        return f"{said}; mean ± standard deviation over {len(runs)} seeds."
    counts = sorted({int(first.metrics[name]["n"]) for name in names if name in first.metrics} - {1})
    if not counts:  # numbers of the whole run have no spread
        return f"{said}, seed {first.seed}."
    images = " to ".join(f"{n:,}" for n in dict.fromkeys((counts[0], counts[-1])))
    return f"{said}; mean ± standard deviation over {images} images, seed {first.seed}."
