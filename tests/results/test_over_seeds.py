import pytest
from scipy import stats

from arae_core.results import RecordError, over_seeds


def test_students_interval_over_seeds(make_record):
    runs = [make_record({"psnr/robust/a": (value, 3.0)}, seed=i) for i, value in enumerate((20.0, 21.0, 19.0))]
    low, high = stats.ttest_1samp([20.0, 21.0, 19.0], 0).confidence_interval(0.95)
    assert over_seeds(runs, "psnr/robust/a") == pytest.approx((20.0, low, high))
    assert over_seeds(runs[:1], "psnr/robust/a") == (20.0, 20.0, 20.0)


def test_what_cannot_be_averaged(make_record):
    with pytest.raises(RecordError, match="no record has"):
        over_seeds([make_record({"psnr/robust/a": 1.0})], "psnr/robust/b")
    with pytest.raises(RecordError, match="eps"):
        over_seeds([make_record({"psnr/robust/a": 1.0}, seed=i, eps=float(i)) for i in (0, 1)], "psnr/robust/a")
