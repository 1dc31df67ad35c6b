import math

import pytest
import torch

from arae_core.figures import COLOURS, accuracy_curve, measure_curves, spread_curve, training_curves
from arae_core.figures.curves import sweep_curves
from arae_core.figures.files import to_png


def right(share, n=100):
    return torch.arange(n) < share * n


def test_accuracy_against_radius():
    shares = {"standard": [right(0.8), right(0.2), right(0.0)], "robust": [right(0.6), right(0.5), right(0.4)]}
    (ax,) = accuracy_curve([0, 0.5, 1.0], shares, chance=0.1).axes
    standard, robust, chance = ax.lines
    assert list(standard.get_xdata()) == [0, 0.5, 1.0]
    assert list(robust.get_ydata()) == pytest.approx([60, 50, 40])
    assert standard.get_color() == COLOURS["standard"] and robust.get_color() == COLOURS["robust"]
    assert list(chance.get_ydata()) == pytest.approx([10, 10])
    assert len(ax.collections) == 2  # the bands
    assert "l₂" in ax.get_xlabel()
    pytest.raises(ValueError, accuracy_curve, [0, 1, 2], {"robust": [right(0.5)] * 2}).match("2 points for 3")


def test_spread_over_images_at_named_layers():
    values = {"robust": [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0])]}
    (ax,) = spread_curve(["conv1", "conv5"], values, xlabel="layer", ylabel="PSNR (dB)").axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["conv1", "conv5"]
    assert list(ax.lines[0].get_ydata()) == [2.0, 2.0]
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (corners.min(), corners.max()) == (1.0, 3.0)


def test_a_panel_a_logged_quantity():
    history = [{"epoch": e, "loss": 1 / e, "accuracy": e / 10, "seconds": 2.0} for e in (1, 2, 3)]
    figure = training_curves({"standard": history, "robust": history[:2]})
    assert [ax.get_title() for ax in figure.axes] == ["loss", "accuracy"]
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [3, 2]
    assert [ax.get_title() for ax in training_curves({"a": history}, shown=["seconds"]).axes] == ["seconds"]
    pytest.raises(ValueError, training_curves, {"a": []}).match("nothing to show")


def test_measure_curves_have_a_panel_a_measure():
    band = {"standard": [(1, 0, 2), (2, 1, 3)], "robust": [(2, 1, 3), (3, 2, 4)]}
    figure = measure_curves([0.0, 1.0], {"PSNR (dB)": band, "SSIM": band}, xlabel="eps")
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["PSNR (dB)", "SSIM"] and len(shown[0].lines) == 2
    with pytest.raises(ValueError, match="2 points for 3 places"):
        measure_curves([0, 1, 2], {"PSNR (dB)": band}, xlabel="eps")
    pytest.raises(ValueError, measure_curves, [0], {}, xlabel="eps").match("no measure")


def panels(lines, places):
    return {panel: {f"robust, number {line}": [(float(line), line - 1.0, line + 1.0)] * places for line in range(lines)}
            for panel in ("PSNR (dB)", "SSIM")}


def test_the_legend_lies_below_all_panels_and_many_lines_have_no_bands():
    figure = sweep_curves([1, 2, 4], panels(3, 3), xlabel="eps")
    figure.draw_without_rendering()
    assert all(ax.get_legend() is None for ax in figure.axes)
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [f"robust, number {line}" for line in range(3)]
    lowest = min(ax.get_tightbbox().y0 for ax in figure.axes)
    assert legend.get_window_extent().y1 <= lowest and legend.get_window_extent().y0 >= 0
    for lines, height in ((4, 2.0), (5, 0.0)):
        band = sweep_curves([1, 2], panels(lines, 2), xlabel="eps").axes[0].collections[0].get_paths()[0]
        assert math.isclose(band.get_extents().height, height)


def test_long_names_are_slanted_and_cut_and_a_gap_is_no_error_but_nothing_is():
    names = [f"[conv{number}], " + "pixel+feature" * number for number in (1, 2, 3)]
    figure = sweep_curves(names, panels(1, 3), xlabel="layers")
    ticks = figure.axes[1].get_xticklabels()
    assert [tick.get_text() for tick in ticks][0] == names[0] and all(len(tick.get_text()) <= 30 for tick in ticks)
    assert ticks[2].get_text().endswith("…") and ticks[0].get_rotation() == 40
    straight = sweep_curves(["conv1", "conv2"], panels(1, 2), xlabel="layers").axes[0].get_xticklabels()
    assert straight[0].get_rotation() == 0

    gap = {"PSNR (dB)": {"robust": [(math.nan,) * 3, (1.0, 0.5, 1.5)]}}
    assert to_png(sweep_curves([1, 2], gap, xlabel="eps"))
    pytest.raises(ValueError, sweep_curves, [1], {}, xlabel="eps").match("no measure")
