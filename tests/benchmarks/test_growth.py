"""Exponents of power laws, and what is timed for them."""

import pytest

from benchmarks.harness import Growth, exponent, grow, growth_line, growth_table
from benchmarks.harness.growth import growth_curves


def test_the_exponent_of_a_power_law_is_found_and_needs_two_positive_points():
    for power in (0.5, 1, 2, 3):
        assert exponent([1, 2, 5, 10], [3 * x**power for x in (1, 2, 5, 10)]) == pytest.approx(power)
    for x, y in (([1], [1]), ([1, 2], [0, 1]), ([0, 1], [1, 2]), ([1, 2], [1, 2, 3])):
        pytest.raises(ValueError, exponent, x, y).match("exponent")


def test_every_value_warms_up_and_is_repeated():
    calls = []
    record = grow("g", "G", "work", [Growth("n", (1, 2), at=lambda n: lambda: calls.append(n), repeats=3)])
    assert calls == [1] * 4 + [2] * 4
    assert record.series["n"]["x"] == [1, 2] and len(record.series["n"]["y"]) == 2
    assert "exponents n" in growth_line(record) and "| n |" in growth_table(record).markdown


def test_the_figure_has_a_panel_a_variable_with_its_unit():
    series = {name: {"x": [1, 10], "y": [2, 20], "unit": "s", "exponent": 1.0} for name in ("images (k = 7)", "side", "k")}
    axes = [ax for ax in growth_curves(series).axes if ax.get_visible()]
    assert [ax.get_xlabel() for ax in axes] == ["images", "side", "k"] and axes[0].get_ylabel() == "s"
    line = axes[0].lines[1]
    assert list(line.get_ydata()) == pytest.approx([2, 20])
    pytest.raises(ValueError, growth_curves, {}).match("no growth")
