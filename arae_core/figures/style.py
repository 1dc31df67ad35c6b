"""One quiet look for every figure, and the object that all of them are.

Standard encoders are vermilion and robust ones blue throughout (from the palette of Okabe and Ito, told
apart by colour-blind readers too). Figures keep a white ground, so that they read on a dark page as well.
"""

from collections.abc import Callable
from functools import wraps
from itertools import cycle
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {"standard": "#D55E00", "robust": "#0072B2"}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 110
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
}

P = ParamSpec("P")
R = TypeVar("R")


class Picture(Figure):
    """A matplotlib Figure that displays itself as a PNG when it is a cell's last line.

    pyplot does not know of it: nothing is shown twice, nothing has to be closed.
    """

    def _repr_png_(self) -> bytes:
        from .files import to_png

        return to_png(self)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function draw in the house's style without changing the reader's settings."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def panels(rows: int, columns: int, width: float, height: float) -> tuple[Picture, list[list[Axes]]]:
    """A figure of width x height inches with rows x columns of axes."""
    figure = Picture(figsize=(width, height), dpi=DPI)
    return figure, figure.subplots(rows, columns, squeeze=False).tolist()


def panels_in_rows(
    count: int, columns: int, width: float, height: float, more: float = 0.0
) -> tuple[Picture, list[Axes]]:
    """A figure with `count` axes, `columns` a row; a row is `height` inches high, and `more` goes to all of them."""
    rows = -(-count // columns)
    figure, axes = panels(rows, columns, width, height * rows + more)
    places = [ax for row in axes for ax in row]
    for ax in places[count:]:
        ax.set_visible(False)
    return figure, places[:count]


def bare(ax: Axes) -> None:
    """Axes that hold an image and nothing else."""
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def close_up(figure: Figure) -> None:
    """Leave little room between the images of a figure."""
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)


def looks(labels: list[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style by label: the colour by its first word, the second label of a colour dashed."""
    found: dict[str, dict[str, Any]] = {}
    others, styles = cycle(OTHERS), ("-", "--", ":", "-.")
    for label in labels:
        first = label.replace(",", " ").split(" ")[0].lower()
        colour = COLOURS.get(first) or next(others)
        before = sum(look["color"] == colour for look in found.values())
        found[label] = {"color": colour, "linestyle": styles[before % 4]}
    return found
