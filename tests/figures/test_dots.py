"""Differences as dots: one a seed, the mean, the interval, zero."""

import pytest

from arae_core import figures

ROWS = {"gain": ([1.0, 2.0, 3.0], (2.0, 0.5, 3.5)), "none": ([-0.1, 0.1], (0.0, -0.3, 0.3)), "loss": ([-1.0], (-1.0, -1.5, -0.5))}


def test_every_seed_has_its_dot_and_every_row_its_mean():
    (ax,) = figures.difference_dots(ROWS, xlabel="dB", groups=[2, 1]).axes
    dots = [line.get_xdata() for line in ax.lines if line.get_marker() == "o"]
    assert [list(xs) for xs in dots] == [numbers for numbers, _ in ROWS.values()]
    means = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"]
    assert means == [2.0, 0.0, -1.0]
    assert [text.get_text() for text in ax.get_yticklabels()] == list(ROWS)
    assert ax.yaxis_inverted()


def test_the_colour_says_on_which_side_of_zero_the_interval_lies():
    (ax,) = figures.difference_dots(ROWS, xlabel="dB").axes
    colours = [line.get_color() for line in ax.lines if line.get_marker() == "|"]
    assert len(set(colours)) == 3


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        figures.difference_dots({}, xlabel="dB")
