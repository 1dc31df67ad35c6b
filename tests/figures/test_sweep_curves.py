"""A sweep's figure stays readable: the legend below, short slanted names, no pile of bands."""

from __future__ import annotations

import math

import pytest

from arae_core.figures import sweep_curves, to_png


def panels(lines, places):
    return {panel: {f"robust, number {line}": [(float(line), line - 1.0, line + 1.0)] * places for line in range(lines)}
            for panel in ("PSNR (dB)", "SSIM")}


def test_the_legend_lies_below_all_panels():
    figure = sweep_curves([1, 2, 4], panels(3, 3), xlabel="eps")
    figure.draw_without_rendering()
    assert all(ax.get_legend() is None for ax in figure.axes)
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [f"robust, number {line}" for line in range(3)]
    lowest = min(ax.get_tightbbox().y0 for ax in figure.axes)
    assert legend.get_window_extent().y1 <= lowest and legend.get_window_extent().y0 >= 0


@pytest.mark.parametrize(("lines", "height"), [(4, 2.0), (5, 0.0)])
def test_many_lines_have_no_bands(lines, height):
    figure = sweep_curves([1, 2], panels(lines, 2), xlabel="eps")
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert math.isclose(band.height, height)


def test_long_names_are_slanted_and_cut():
    names = [f"[conv{number}], " + "pixel+feature" * number for number in (1, 2, 3)]
    figure = sweep_curves(names, panels(1, 3), xlabel="layers")
    ticks = figure.axes[1].get_xticklabels()
    assert [tick.get_text() for tick in ticks][0] == names[0] and all(len(tick.get_text()) <= 30 for tick in ticks)
    assert ticks[2].get_text().endswith("…") and ticks[0].get_rotation() == 40
    straight = sweep_curves(["conv1", "conv2"], panels(1, 2), xlabel="layers").axes[0].get_xticklabels()
    assert straight[0].get_rotation() == 0


def test_a_gap_is_no_error():
    gap = {"PSNR (dB)": {"robust": [(math.nan,) * 3, (1.0, 0.5, 1.5)]}}
    assert to_png(sweep_curves([1, 2], gap, xlabel="eps"))


def test_nothing_to_show_is_an_error():
    with pytest.raises(ValueError, match="no measure"):
        sweep_curves([1], {}, xlabel="eps")
