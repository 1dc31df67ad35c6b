"""Intervals where there is little to go by; `test_claims.py` has them agree with scipy's tests."""

from math import isnan

import pytest
from scipy import stats

from arae_core.results import RecordError, over_seeds
from arae_core.results.intervals import of_images, of_measure, of_numbers, of_share, of_two_means


def test_no_spread_and_a_single_number():
    assert of_numbers([1.0, 1.0, 1.0]) == (1.0, 1.0, 1.0)
    assert of_numbers([0.1 + 0.2, 0.3, 0.3])[1:] == (pytest.approx(0.3),) * 2  # rounding is no spread
    mean, low, high = of_numbers([1.0])
    assert mean == 1 and isnan(low) and isnan(high)
    flat, one = {"value": 2.0, "std": 0.0, "n": 9}, {"value": 1.0, "std": 0.0, "n": 1}
    assert of_images(flat) == (2.0, 2.0, 2.0) and isnan(of_images(one)[1])
    assert of_two_means(flat, flat | {"value": 1.0}) == (1.0, 1.0, 1.0) and isnan(of_two_means(flat, one)[1])


@pytest.mark.parametrize(("share", "n"), [(0.12, 25), (0.0, 64), (1.0, 10), (0.5, 1000)])
def test_a_share_has_wilsons_interval(share, n):
    mean, low, high = of_share({"value": share, "std": 0.4, "n": n})
    for end in (low, high):  # the roots of Wilson's equation: (share - end)^2 = z^2 end (1 - end) / n
        assert (share - end) ** 2 == pytest.approx(stats.norm.ppf(0.975) ** 2 * end * (1 - end) / n, abs=1e-12)
    assert mean == share and 0 <= low <= share <= high <= 1 and low < high
    akin = {"value": 0.5, "std": 0.5, "n": 100, "error": 0.1, "clusters": 8}  # as uncertain as 25 independent images leave it
    assert of_share(akin) == of_share({"value": 0.5, "std": 0.5, "n": 25}) == of_share(akin | {"n": 25, "error": 0.01})
    assert all(isnan(of_share(one)[1]) for one in (akin | {"error": 1e-17, "clusters": 1}, {"value": 1.0, "std": 0.0, "n": 1}))


def test_no_interval_leaves_what_the_measure_can_be():
    few = [{"value": value, "std": 0.0, "n": 1} for value in (0.8, 1.0)]
    assert of_numbers([0.8, 1.0])[2] > 2
    for name, least in (("auroc/robust", 0.0), ("trend/robust/psnr", -1.0), ("accuracy/robust/clean", 0.0)):
        mean, low, high = of_measure(name, few)
        assert (mean, high) == (pytest.approx(0.9), 1.0) and low == pytest.approx(max(least, of_numbers([0.8, 1.0])[1]))
    assert of_measure("psnr/robust", few)[2] > 2 and isnan(of_measure("auroc/robust", few[:1])[1])


def test_students_interval_over_seeds(make_record):
    runs = [make_record({"psnr/robust/a": (value, 3.0)}, seed=i) for i, value in enumerate((20.0, 21.0, 19.0))]
    low, high = stats.ttest_1samp([20.0, 21.0, 19.0], 0).confidence_interval(0.95)
    assert over_seeds(runs, "psnr/robust/a") == pytest.approx((20.0, low, high))
    assert over_seeds(runs[:1], "psnr/robust/a") == (20.0, 20.0, 20.0)
    pytest.raises(RecordError, over_seeds, runs, "psnr/robust/b").match("no record has")
    mixed = [make_record({"psnr/robust/a": 1.0}, seed=i, eps=float(i)) for i in (0, 1)]
    pytest.raises(RecordError, over_seeds, mixed, "psnr/robust/a").match("eps")
