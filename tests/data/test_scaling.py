"""Enlarging and reducing."""

import pytest
import torch

from arae_core.data import photograph, rescaled


def test_sizes():
    x = torch.rand(2, 3, 32, 20)
    assert rescaled(x, 3).shape == (2, 3, 96, 60)
    assert rescaled(x, 0.3).shape == (2, 3, 10, 6)
    assert rescaled(x, 0.001).shape == (2, 3, 1, 1)
    torch.testing.assert_close(rescaled(x, 1), x, atol=1e-6, rtol=0)


def test_there_and_back_leaves_a_smooth_picture():
    x = rescaled(photograph("coffee"), 0.25)
    assert (rescaled(rescaled(x, 4), 0.25) - x).abs().mean() < 0.01


def test_stays_in_range_and_flat():
    edge = torch.zeros(1, 3, 16, 16)
    edge[..., 8:] = 1
    assert rescaled(edge, 5).min() == 0 and rescaled(edge, 5).max() == 1  # a cubic alone would overshoot
    torch.testing.assert_close(rescaled(torch.full((1, 3, 9, 9), 0.4), 7), torch.full((1, 3, 63, 63), 0.4))


def test_reducing_averages():
    stripes = (torch.arange(64) % 2).float().expand(1, 3, 64, 64)
    assert (rescaled(stripes, 0.125) - 0.5).abs().max() < 0.05  # points picked out would be 0 or 1


def test_bad_input():
    x = torch.rand(1, 3, 32, 32)
    for factor in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="positive"):
            rescaled(x, factor)
    with pytest.raises(ValueError, match="batch"):
        rescaled(x[0], 2)
    with pytest.raises(ValueError, match="enlarged by 625 are more than 80,000,000"):
        rescaled(x, 625)  # 20,000 pixels a side
