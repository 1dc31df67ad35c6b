"""Quality against cost: a point a method, named beside it, cost on a logarithmic axis."""

from collections.abc import Mapping
from math import isfinite

from matplotlib.axes import Axes

from .style import Picture, looks, panels, styled


@styled
def cost_scatter(
    panels_of: Mapping[str, Mapping[str, tuple[float, float]]], *, xlabel: str, width: float = 7.5
) -> Picture:
    """Each method's quality over its cost, a panel a quality.

    panels_of: "PSNR (dB)" to method to (cost, quality); costs positive, in the unit that xlabel names. A method
    has the same colour in every panel. Raises ValueError if there is nothing to show, or for a cost that has no
    place on a logarithmic axis.
    """
    methods = list(dict.fromkeys(method for points in panels_of.values() for method in points))
    if not methods:
        raise ValueError("no methods to show")
    for points in panels_of.values():
        for method, (cost, quality) in points.items():
            if not (0 < cost < float("inf") and isfinite(quality)):
                raise ValueError(f"{method}: cost {cost} and quality {quality} cannot be drawn on a logarithmic axis")
    look = looks(methods)
    figure, (axes,) = panels(1, len(panels_of), width, 3.4)
    for ax, (name, points) in zip(axes, panels_of.items()):
        for method, (cost, quality) in points.items():
            ax.plot(cost, quality, "o", color=look[method]["color"], markersize=7)
            _named(ax, method, cost, quality, points)
        ax.set(xscale="log", xlabel=xlabel, title=name)
        ax.margins(x=0.12, y=0.12)
    return figure


def _named(ax: Axes, method: str, cost: float, quality: float, points: Mapping[str, tuple[float, float]]) -> None:
    """The method's name beside its point, on the side where the panel has room."""
    costs = sorted(cost for cost, _ in points.values())
    right = cost <= (costs[0] * costs[-1]) ** 0.5
    ax.annotate(method, (cost, quality), xytext=(7 if right else -7, 5), textcoords="offset points",
                ha="left" if right else "right", fontsize=9)
