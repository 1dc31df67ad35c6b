"""Quality against cost: a point a method, named beside it, cost on a logarithmic axis."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from .style import Picture, looks, panels, styled

MARKERS = {"-": "o", "--": "s", ":": "^", "-.": "D"}  # a colour used again comes with another shape
# Where a name may stand: points right and up of its own point, in order of preference.
PLACES = [(7, 4), (-7, 4), (7, -11), (-7, -11), (7, 16), (-7, 16), (7, -23), (-7, -23)]


@styled
def cost_scatter(
    panels_of: Mapping[str, Mapping[str, tuple[float, float]]], *, xlabel: str, width: float = 7.5
) -> Picture:
    """Each method's quality over its cost, a panel a quality.

    panels_of: "PSNR (dB)" to method to (cost, quality); costs positive, in the unit that xlabel names. A method
    looks the same in every panel. Raises ValueError if there is nothing to show, or for a cost that has no
    place on a logarithmic axis.
    """
    methods = list(dict.fromkeys(method for points in panels_of.values() for method in points))
    if not methods:
        raise ValueError("no methods to show")
    for points in panels_of.values():
        for method, (cost, quality) in points.items():
            if not (0 < cost < float("inf") and isfinite(quality)):
                raise ValueError(f"{method}: cost {cost}, quality {quality} fit no logarithmic axis")
    look = looks(methods)
    figure, (axes,) = panels(1, len(panels_of), width, 3.8)
    for ax, (name, points) in zip(axes, panels_of.items()):
        for method, (cost, quality) in points.items():
            shape = MARKERS[look[method]["linestyle"]]
            ax.plot(cost, quality, shape, color=look[method]["color"], markersize=7, alpha=0.85)
        ax.set(xscale="log", xlabel=xlabel, title=name)
        ax.margins(x=0.2, y=0.15)
    figure.draw_without_rendering()  # from here on it is known where everything lies
    for ax, points in zip(axes, panels_of.values()):
        _name(ax, points)
    return figure


def _name(ax: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write each method beside its point, inside the panel and clear of points and other names where possible."""
    taken = [Bbox([spot - 6, spot + 6]) for spot in ax.transData.transform(list(points.values()))]
    kind: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8.5, "in_layout": False}
    for method, spot in sorted(points.items(), key=lambda item: -item[1][1]):
        names = [ax.annotate(method, spot, at, ha="left" if at[0] > 0 else "right", **kind) for at in PLACES]
        kept = next((name for name in names if _fits(name.get_window_extent(), ax, taken)), names[0])
        taken.append(kept.get_window_extent())
        for name in names:
            if name is not kept:
                name.remove()


def _fits(box: Bbox, ax: Axes, taken: list[Bbox]) -> bool:
    inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1
    return inside and not any(box.overlaps(other) for other in taken)
