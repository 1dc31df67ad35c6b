"""Curves of a sweep: more lines, and longer names of places, than a figure drawn for a page has."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from .curves import measure_curves
from .style import Picture, styled

BANDS = 4  # lines; the bands of more hide one another
LONGEST = 30  # characters of all names along an axis, and of one name


@styled
def sweep_curves(
    at: Sequence[float] | Sequence[str],
    panels_of: Mapping[str, Mapping[str, Sequence[tuple[float, float, float]]]],
    *,
    xlabel: str,
) -> Picture:
    """`measure_curves` with the legend below, long names slanted and cut, and bands for four lines at most.

    Every panel has the same lines; where one was not measured, (nan, nan, nan) leaves a gap.
    """
    lines = list(next(iter(panels_of.values()), ()))
    if len(lines) > BANDS:
        panels_of = {panel: {line: [(value,) * 3 for value, *_ in points] for line, points in bands.items()}
                     for panel, bands in panels_of.items()}
    figure = measure_curves(at, panels_of, xlabel=xlabel)
    first = figure.axes[0]
    first.get_legend().remove()
    handles, labels = first.get_legend_handles_labels()
    columns = 1 if max(map(len, labels)) > 42 else 2
    rows = -(-len(labels) // columns)
    figure.legend(handles, labels, loc="outside lower left", ncols=columns)
    names = [str(place) for place in at if isinstance(place, str)]
    slanted = sum(map(len, names)) > LONGEST
    if slanted:
        for ax in figure.axes:
            _slant(ax, names)
    width, height = figure.get_size_inches()
    slope = 0.08 * min(LONGEST, max(map(len, names))) if slanted else 0
    figure.set_size_inches(width, height + 0.25 * rows + slope)
    return figure


def _slant(ax: Axes, names: list[str]) -> None:
    short = [name if len(name) <= LONGEST else name[:LONGEST - 1] + "…" for name in names]
    ax.set_xticks(range(len(names)), short, rotation=40, ha="right", rotation_mode="anchor")
