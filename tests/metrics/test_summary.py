import math

import pytest
import torch

from arae_core.metrics import interval, summarise, trend


def test_mean_sample_deviation_and_count_with_nan_left_out():
    assert summarise(torch.tensor([1.0, 2.0, 3.0])) == {"value": 2.0, "std": 1.0, "n": 3}
    assert summarise(torch.tensor([True, False])) == {"value": 0.5, "std": pytest.approx(0.5**0.5), "n": 2}
    assert summarise(torch.tensor([4.0])) == {"value": 4.0, "std": 0.0, "n": 1}
    values = torch.tensor([1.0, float("nan"), 3.0])
    assert summarise(values) == {"value": 2.0, "std": pytest.approx(2**0.5), "n": 2, "dropped": 1}
    groups = torch.tensor([0, 0, 5, 5])
    same = summarise(torch.tensor([1.0, 1.0, 3.0, 3.0]), groups)  # two photographs, each twice: no more than two values
    assert same["clusters"] == 2 and same["error"] == pytest.approx(torch.tensor([1.0, 3.0]).std().item() / 2**0.5)
    alone = summarise(values := torch.tensor([1.0, 4.0, 2.0, 6.0]), torch.arange(4))  # nothing akin: the usual error
    assert alone["error"] == pytest.approx(values.std().item() / 2) and alone["clusters"] == 4
    pytest.raises(ValueError, summarise, torch.tensor([float("nan")])).match("all of them NaN")


def test_normal_interval_of_a_mean_and_wilsons_of_a_share():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0])  # standard deviation sqrt(5 / 3)
    half = 1.959964 * (5 / 12) ** 0.5
    assert interval(values) == pytest.approx((2.5, 2.5 - half, 2.5 + half))
    assert interval(torch.tensor([7.0])) == (7.0, 7.0, 7.0)
    assert interval(torch.arange(100) < 50) == pytest.approx((0.5, 0.4038, 0.5962), abs=1e-4)
    share, low, high = interval(torch.zeros(16, dtype=torch.bool))
    assert (share, low) == pytest.approx((0, 0), abs=1e-9) and high == pytest.approx(0.1936, abs=1e-4)


def test_rising_falling_in_between_and_nothing_to_rank():
    for means, expected in (([1.0, 1.5, 9.0, 9.1], 1), ([4.0, 3.0, 2.0, 1.0], -1), ([1.0, 2.0, 4.0, 3.0], 0.8)):
        assert trend([0, 0.5, 1, 2], means) == pytest.approx(expected)  # 1 - 6 * 2 / (4 * 15) is the last

    assert math.isnan(trend([0, 1, 2], [5.0, 5.0, 5.0]))
    for at, means in (([0, 1], [1.0, 2.0]), ([0, 1, 2], [1.0, 2.0])):
        pytest.raises(ValueError, trend, at, means).match("three places")
