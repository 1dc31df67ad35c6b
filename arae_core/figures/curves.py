"""Numbers against a radius, a layer or an epoch, for several encoders at once."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from arae_core.metrics import interval

from .style import Picture, looks, panels_in_rows, styled

Places = Sequence[float] | Sequence[str]
Values = Mapping[str, Sequence[Tensor]]  # label to one (N,) tensor for each place
History = Sequence[Mapping[str, float]]  # one dict an epoch
Bands = Mapping[str, Sequence[Sequence[float]]]  # label to (value, low, high) for each place
SWEPT = 4  # lines of a sweep that have bands; those of more hide one another
LONGEST = 30  # characters of all names along an axis, and of one name


@styled
def accuracy_curve(
    radii: Sequence[float], right: Values, *, norm: str = "l2", chance: float | None = None, title: str = ""
) -> Picture:
    """Accuracy against attack radius, with 95 % (Wilson) intervals over images as bands.

    radii: eps in [0,1] pixels, 0 for clean images. right: label to one (N,) bool tensor a radius, as
    `metrics.accuracy` gives them; labels begin with "standard" or "robust" ("robust, AutoAttack").
    chance: drawn as a dotted line. Raises ValueError if lengths differ.
    """
    bands = {label: [[100 * end for end in interval(v)] for v in of] for label, of in right.items()}
    name = {"l2": "l₂", "linf": "l∞"}.get(norm, norm)
    xlabel = f"attack radius ε ({name}, pixels in [0,1])"
    figure, (ax,) = _measures(radii, {title: bands}, xlabel, 6.0, 3.6)
    ax.set(ylabel="accuracy (%)", ylim=(0, 101))
    if chance is not None:
        ax.axhline(100 * chance, color="#777777", linestyle=":", linewidth=1.2, label="chance")
    ax.legend()
    return figure


@styled
def spread_curve(at: Places, values: Values, *, xlabel: str, ylabel: str, title: str = "") -> Picture:
    """A measure (PSNR, say) against layers or radii: mean over images, with one standard deviation as band.

    at: numbers or names. values: label to one (N,) tensor for each of them. Raises ValueError if lengths
    differ.
    """
    bands = {}
    for label, of in values.items():
        means = [(v.double().mean().item(), v.double().std().item() if len(v) > 1 else 0.0) for v in of]
        bands[label] = [(mean, mean - std, mean + std) for mean, std in means]
    figure, (ax,) = _measures(at, {title: bands}, xlabel, 6.0, 3.6)
    ax.set_ylabel(ylabel)
    ax.legend()
    return figure


@styled
def measure_curves(at: Places, panels_of: Mapping[str, Bands], *, xlabel: str, width: float = 7.5) -> Picture:
    """Several measures against a radius, a factor or a method's setting: a panel a measure, a line a label.

    at: numbers or names. panels_of: "PSNR (dB)" to label to one (value, low, high) for each place; the band
    goes from low to high. Raises ValueError if lengths differ, or if there is nothing to show.
    """
    figure, axes = _measures(at, panels_of, xlabel, width, 2.9, 0.2)
    axes[0].legend()
    return figure


@styled
def sweep_curves(at: Places, panels_of: Mapping[str, Bands], *, xlabel: str) -> Picture:
    """`measure_curves` with the legend below, long names slanted and cut, and bands for four lines at most.

    Every panel has the same lines; where one was not measured, (nan, nan, nan) leaves a gap.
    """
    lines = list(next(iter(panels_of.values()), ()))
    if len(lines) > SWEPT:
        panels_of = {
            panel: {line: [(value, value, value) for value, *_ in points] for line, points in bands.items()}
            for panel, bands in panels_of.items()
        }
    figure, axes = _measures(at, panels_of, xlabel, 7.5, 2.9, 0.2)
    handles, labels = axes[0].get_legend_handles_labels()
    columns = 1 if max(map(len, labels)) > 42 else 2
    rows = -(-len(labels) // columns)
    figure.legend(handles, labels, loc="outside lower left", ncols=columns)
    names = [str(place) for place in at if isinstance(place, str)]
    slope = 0.0
    if sum(map(len, names)) > LONGEST:
        short = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in names]
        for ax in figure.axes:
            ax.set_xticks(range(len(names)), short, rotation=40, ha="right", rotation_mode="anchor")
        slope = 0.08 * max(map(len, short))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.25 * rows + slope)
    return figure


@styled
def training_curves(
    histories: Mapping[str, History], *, shown: Sequence[str] | None = None, width: float = 7.5
) -> Picture:
    """What was logged in each epoch, a panel a quantity, a line a run.

    histories: label to a training history (one dict an epoch). shown: which quantities, by default all
    but "epoch" and "seconds". Raises ValueError if there is nothing to show.
    """
    if shown is None:
        logged = [name for history in histories.values() for epoch in history for name in epoch]
        shown = [name for name in dict.fromkeys(logged) if name not in ("epoch", "seconds")]
    if not shown:
        raise ValueError("nothing to show: the histories are empty")
    figure, axes = panels_in_rows(len(shown), _columns(len(shown)), width, 2.5, 0.3)
    look = looks(list(histories))
    for ax, name in zip(axes, shown):
        for label, history in histories.items():
            points = [(epoch["epoch"], epoch[name]) for epoch in history if name in epoch]
            ax.plot(*(zip(*points) if points else ([], [])), marker=".", label=label, **look[label])
        ax.set(title=name.replace("_", " "), xlabel="epoch")
        ax.locator_params(axis="x", integer=True)
    axes[0].legend()
    return figure


def _columns(count: int) -> int:
    return 2 if count == 4 else min(count, 3)


def _measures(
    at: Places, panels_of: Mapping[str, Bands], xlabel: str, width: float, height: float, more: float = 0.0
) -> tuple[Picture, list[Axes]]:
    """A panel a measure, without a legend; sizes as in `panels_in_rows`."""
    if not panels_of:
        raise ValueError("no measure to show")
    figure, axes = panels_in_rows(len(panels_of), _columns(len(panels_of)), width, height, more)
    for ax, (name, bands) in zip(axes, panels_of.items()):
        _draw_bands(ax, at, bands)
        ax.set(xlabel=xlabel, title=name)
    return figure, axes


def _draw_bands(ax: Axes, at: Sequence, bands: Bands) -> None:
    named = any(isinstance(place, str) for place in at)
    places = list(range(len(at))) if named else list(at)
    look = looks(list(bands))
    for label, points in bands.items():
        if len(points) != len(places):
            raise ValueError(f"{label!r} has {len(points)} points for {len(places)} places")
        middle, low, high = zip(*points)
        ax.plot(places, middle, marker="o", label=label, **look[label])
        ax.fill_between(places, low, high, color=look[label]["color"], alpha=0.15, linewidth=0)
    if named:
        ax.set_xticks(places, at)
