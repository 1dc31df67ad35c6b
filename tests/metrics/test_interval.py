import pytest
import torch

from arae_core.metrics import interval


def test_normal_interval_of_the_mean():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0])  # standard deviation sqrt(5 / 3)
    half = 1.959964 * (5 / 12) ** 0.5
    assert interval(values) == pytest.approx((2.5, 2.5 - half, 2.5 + half))
    assert interval(torch.tensor([7.0])) == (7.0, 7.0, 7.0)


def test_wilsons_interval_of_a_share():
    share, low, high = interval(torch.arange(100) < 50)
    assert (share, low, high) == pytest.approx((0.5, 0.4038, 0.5962), abs=1e-4)
    share, low, high = interval(torch.zeros(16, dtype=torch.bool))
    assert (share, low) == pytest.approx((0, 0), abs=1e-9) and high == pytest.approx(0.1936, abs=1e-4)
