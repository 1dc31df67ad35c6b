"""How cost grows with one variable: measured at several values, and the exponent of the power law through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from arae_core.figures.style import Picture, panels, styled
from benchmarks.harness.bench_record import BenchRecord, load
from benchmarks.harness.comparison import seconds


@dataclass(frozen=True)
class Growth:
    """One variable. `at` prepares a value's work and returns it; it is called once to warm up, then timed."""

    variable: str
    values: Sequence[float]
    at: Callable[[Any], Callable[[], Any]]
    repeats: int = 3


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """p of y ~ x^p by least squares on the logarithms. ValueError for fewer than two values or any not above 0."""
    if len(x) != len(y) or len(x) < 2 or min(*x, *y) <= 0:
        raise ValueError("an exponent is fitted to two values or more, all above 0")
    return float(np.polyfit([math.log(v) for v in x], [math.log(v) for v in y], 1)[0])


def grow(
    name: str, title: str, work: str, growths: Sequence[Growth], device: torch.device | str = "cpu"
) -> BenchRecord:
    """Time every growth; each point is the median of its repeats."""
    before, series = load(), {}
    for growth in growths:
        points = []
        for value in growth.values:
            job = growth.at(value)
            job()
            points.append(float(np.median([seconds(job, device) for _ in range(growth.repeats)])))
        series[growth.variable] = {
            "x": list(growth.values),
            "y": points,
            "unit": "s",
            "exponent": exponent(growth.values, points),
        }
    return BenchRecord(name=name, title=title, work=work, series=series).sign(device, before)


@styled
def growth_curves(series: Mapping[str, Mapping[str, Any]], *, width: float = 8.5) -> Picture:
    """Cost against each variable.

    series: what is varied to {"x", "y", "unit", "exponent"}, as a `BenchRecord` keeps it; x and y above 0. The
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
        ax.plot(
            x,
            middle * x ** its["exponent"],
            "--",
            color="#777777",
            linewidth=1.2,
            label=f"exponent {its['exponent']:.2f}",
        )
        ax.set(xscale="log", yscale="log", xlabel=name.split(" (")[0], ylabel=its["unit"])
        ax.set_xticks(x, [f"{value:,g}" for value in x])
        ax.set_yticks(y, [f"{value:.3g}" for value in y])
        ax.minorticks_off()
        ax.margins(x=0.1, y=0.1)
        ax.legend()
    for ax in axes[len(series) :]:
        ax.set_visible(False)
    return figure
