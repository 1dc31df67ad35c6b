"""How cost grows with one variable: measured at several values, and the exponent of the power law through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

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


def grow(name: str, title: str, work: str, growths: Sequence[Growth],
         device: torch.device | str = "cpu") -> BenchRecord:
    """Time every growth; each point is the median of its repeats."""
    before, series = load(), {}
    for growth in growths:
        points = []
        for value in growth.values:
            job = growth.at(value)
            job()
            points.append(float(np.median([seconds(job, device) for _ in range(growth.repeats)])))
        series[growth.variable] = {"x": list(growth.values), "y": points, "unit": "s",
                                   "exponent": exponent(growth.values, points)}
    return BenchRecord(name=name, title=title, work=work, series=series).sign(device, before)
