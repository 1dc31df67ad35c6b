"""Numbers against a radius, a layer or an epoch, for several encoders at once."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from arae_core.metrics import interval

from .style import Picture, looks, panels, styled


@styled
def accuracy_curve(
    radii: Sequence[float],
    right: Mapping[str, Sequence[Tensor]],
    *,
    norm: str = "l2",
    chance: float | None = None,
    title: str = "",
) -> Picture:
    """Accuracy against attack radius, with 95 % (Wilson) intervals over images as bands.

    radii: eps in [0,1] pixels, 0 for clean images. right: label to one (N,) bool tensor a radius, as
    `metrics.accuracy` gives them; labels begin with "standard" or "robust" ("robust, AutoAttack").
    chance: drawn as a dotted line. Raises ValueError if lengths differ.
    """
    bands = {label: [_per_cent(values) for values in of] for label, of in right.items()}
    name = {"l2": "l₂", "linf": "l∞"}.get(norm, norm)
    figure = _bands(radii, bands, f"attack radius ε ({name}, pixels in [0,1])", "accuracy (%)", title)
    ax = figure.axes[0]
    ax.set_ylim(0, 101)
    if chance is not None:
        ax.axhline(100 * chance, color="#777777", linestyle=":", linewidth=1.2, label="chance")
        ax.legend()
    return figure


@styled
def spread_curve(
    at: Sequence[float] | Sequence[str],
    values: Mapping[str, Sequence[Tensor]],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
) -> Picture:
    """A measure (PSNR, say) against layers or radii: mean over images, with one standard deviation as band.

    at: numbers or names. values: label to one (N,) tensor for each of them. Raises ValueError if lengths
    differ.
    """
    bands = {}
    for label, of in values.items():
        means = [(v.double().mean().item(), v.double().std().item() if len(v) > 1 else 0.0) for v in of]
        bands[label] = [(mean, mean - std, mean + std) for mean, std in means]
    return _bands(at, bands, xlabel, ylabel, title)


@styled
def measure_curves(
    at: Sequence[float] | Sequence[str],
    panels_of: Mapping[str, Mapping[str, Sequence[tuple[float, float, float]]]],
    *,
    xlabel: str,
    width: float = 7.5,
) -> Picture:
    """Several measures against a radius, a factor or a method's setting: a panel a measure, a line a label.

    at: numbers or names. panels_of: "PSNR (dB)" to label to one (value, low, high) for each place; the band
    goes from low to high. Raises ValueError if lengths differ, or if there is nothing to show.
    """
    if not panels_of:
        raise ValueError("no measure to show")
    columns = 2 if len(panels_of) in (2, 4) else min(len(panels_of), 3)
    rows = -(-len(panels_of) // columns)
    figure, axes = panels(rows, columns, width, 2.9 * rows + 0.2)
    places = [ax for row in axes for ax in row]
    for ax, (name, bands) in zip(places, panels_of.items()):
        _draw_bands(ax, at, bands)
        ax.set(xlabel=xlabel, title=name)
    places[0].legend()
    for ax in places[len(panels_of):]:
        ax.set_visible(False)
    return figure


@styled
def training_curves(
    histories: Mapping[str, Sequence[Mapping[str, float]]],
    *,
    shown: Sequence[str] | None = None,
    width: float = 7.5,
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
    columns = 2 if len(shown) == 4 else min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure, axes = panels(rows, columns, width, 2.5 * rows + 0.3)
    look = looks(list(histories))
    for i, ax in enumerate(ax for row in axes for ax in row):
        if i >= len(shown):
            ax.set_visible(False)
            continue
        for label, history in histories.items():
            epochs = [epoch for epoch in history if shown[i] in epoch]
            values = [epoch[shown[i]] for epoch in epochs]
            ax.plot([epoch["epoch"] for epoch in epochs], values, marker=".", label=label, **look[label])
        ax.set(title=shown[i].replace("_", " "), xlabel="epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0][0].legend()
    return figure


def _bands(at, bands: Mapping[str, list[tuple]], xlabel: str, ylabel: str, title: str) -> Picture:
    figure, ((ax,),) = panels(1, 1, 6.0, 3.6)
    _draw_bands(ax, at, bands)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend()
    return figure


def _draw_bands(ax: Axes, at, bands: Mapping[str, Sequence[tuple]]) -> None:
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


def _per_cent(right: Tensor) -> tuple[float, float, float]:
    return tuple(100 * share for share in interval(right))
