"""Intervals where there is little to go by; `test_claims.py` has them agree with scipy's tests."""

from math import isnan

import pytest
from scipy import stats

from arae_core.results import RecordError, over_seeds
from arae_core.results.intervals import of_images, of_numbers, of_two_means


def test_no_spread_and_a_single_number():
    assert of_numbers([1.0, 1.0, 1.0]) == (1.0, 1.0, 1.0)
    assert of_numbers([0.1 + 0.2, 0.3, 0.3])[1:] == (pytest.approx(0.3),) * 2  # rounding is no spread
    mean, low, high = of_numbers([1.0])
    assert mean == 1 and isnan(low) and isnan(high)
    flat, one = {"value": 2.0, "std": 0.0, "n": 9}, {"value": 1.0, "std": 0.0, "n": 1}
    assert of_images(flat) == (2.0, 2.0, 2.0) and isnan(of_images(one)[1])
    assert of_two_means(flat, flat | {"value": 1.0}) == (1.0, 1.0, 1.0) and isnan(of_two_means(flat, one)[1])


def test_students_interval_over_seeds(make_record):
    runs = [make_record({"psnr/robust/a": (value, 3.0)}, seed=i) for i, value in enumerate((20.0, 21.0, 19.0))]
    low, high = stats.ttest_1samp([20.0, 21.0, 19.0], 0).confidence_interval(0.95)
    assert over_seeds(runs, "psnr/robust/a") == pytest.approx((20.0, low, high))
    assert over_seeds(runs[:1], "psnr/robust/a") == (20.0, 20.0, 20.0)
    pytest.raises(RecordError, over_seeds, runs, "psnr/robust/b").match("no record has")
    mixed = [make_record({"psnr/robust/a": 1.0}, seed=i, eps=float(i)) for i in (0, 1)]
    pytest.raises(RecordError, over_seeds, mixed, "psnr/robust/a").match("eps")
