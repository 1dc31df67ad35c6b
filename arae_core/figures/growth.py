"""How cost grows: a panel a variable, on logarithmic axes, with the power law through the points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .style import Picture, panels, styled


@styled
def growth_curves(series: Mapping[str, Mapping[str, Any]], *, width: float = 8.5) -> Picture:
    """Cost against each variable.

    series: what is varied to {"x", "y", "unit", "exponent"}, as `timing.BenchRecord` keeps it; x and y above 0. The
    dashed line is y ~ x^exponent through the points' middle. Raises ValueError if
    there is nothing to show.
    """
    if not series:
        raise ValueError("no growth to show")
    columns = min(2, len(series))
    rows = -(-len(series) // columns)
    figure, grid = panels(rows, columns, width, 2.9 * rows)
    axes = [ax for line in grid for ax in line]
    for ax, (name, its) in zip(axes, series.items()):
        x, y = np.array(its["x"], float), np.array(its["y"], float)
        middle = np.exp(np.log(y).mean() - its["exponent"] * np.log(x).mean())
        ax.plot(x, y, "o", color="C0")
        ax.plot(x, middle * x ** its["exponent"], "--", color="#777777", linewidth=1.2,
                label=f"exponent {its['exponent']:.2f}")
        ax.set(xscale="log", yscale="log", xlabel=name.split(" (")[0], ylabel=its["unit"])
        ax.set_xticks(x, [f"{value:,g}" for value in x])
        ax.set_yticks(y, [f"{value:.3g}" for value in y])
        ax.minorticks_off()
        ax.margins(x=0.1, y=0.1)
        ax.legend()
    for ax in axes[len(series):]:
        ax.set_visible(False)
    return figure
