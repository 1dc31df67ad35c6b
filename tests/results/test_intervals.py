"""Intervals agree with scipy's tests on the numbers that they sum up."""

from math import isnan

import pytest
import torch
from scipy import stats

from arae_core.metrics import summarise
from arae_core.results import RecordError, over_seeds
from arae_core.results.intervals import of_images, of_numbers, of_two_means


def test_over_a_few_numbers():
    expected = stats.ttest_1samp([20.0, 21.0, 19.0], 0).confidence_interval(0.95)
    assert of_numbers([20.0, 21.0, 19.0]) == pytest.approx((20.0, expected.low, expected.high))
    assert of_numbers([1.0, 1.0, 1.0]) == (1.0, 1.0, 1.0)
    assert of_numbers([0.1 + 0.2, 0.3, 0.3])[1:] == (pytest.approx(0.3),) * 2  # rounding is no spread
    mean, low, high = of_numbers([1.0])
    assert mean == 1 and isnan(low) and isnan(high)


def test_over_images():
    values = torch.linspace(0, 3, 40, dtype=torch.float64) ** 2
    expected = stats.ttest_1samp(values.numpy(), 0).confidence_interval(0.95)
    assert of_images(summarise(values)) == pytest.approx((values.mean().item(), expected.low, expected.high))
    assert of_images({"value": 2.0, "std": 0.0, "n": 9}) == (2.0, 2.0, 2.0)
    assert isnan(of_images({"value": 2.0, "std": 0.0, "n": 1})[1])


def test_of_two_means():
    a, b = torch.linspace(0, 3, 40, dtype=torch.float64), torch.linspace(1, 2, 9, dtype=torch.float64)
    expected = stats.ttest_ind(a.numpy(), b.numpy(), equal_var=False).confidence_interval(0.95)
    found = of_two_means(summarise(a), summarise(b))
    assert found == pytest.approx((0.0, expected.low, expected.high), abs=1e-12)
    flat = {"value": 2.0, "std": 0.0, "n": 9}
    assert of_two_means(flat, flat | {"value": 1.0}) == (1.0, 1.0, 1.0)
    assert isnan(of_two_means(flat, {"value": 1.0, "std": 0.0, "n": 1})[1])


def test_students_interval_over_seeds(make_record):
    runs = [make_record({"psnr/robust/a": (value, 3.0)}, seed=i) for i, value in enumerate((20.0, 21.0, 19.0))]
    low, high = stats.ttest_1samp([20.0, 21.0, 19.0], 0).confidence_interval(0.95)
    assert over_seeds(runs, "psnr/robust/a") == pytest.approx((20.0, low, high))
    assert over_seeds(runs[:1], "psnr/robust/a") == (20.0, 20.0, 20.0)

    pytest.raises(RecordError, over_seeds, runs, "psnr/robust/b").match("no record has")
    mixed = [make_record({"psnr/robust/a": 1.0}, seed=i, eps=float(i)) for i in (0, 1)]
    pytest.raises(RecordError, over_seeds, mixed, "psnr/robust/a").match("eps")
