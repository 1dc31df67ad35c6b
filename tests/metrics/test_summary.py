import pytest
import torch

from arae_core.metrics import summarise


def test_mean_sample_deviation_and_count():
    assert summarise(torch.tensor([1.0, 2.0, 3.0])) == {"value": 2.0, "std": 1.0, "n": 3}
    assert summarise(torch.tensor([True, False])) == {"value": 0.5, "std": pytest.approx(0.5**0.5), "n": 2}
    assert summarise(torch.tensor([4.0])) == {"value": 4.0, "std": 0.0, "n": 1}


def test_nan_is_left_out_and_counted():
    values = torch.tensor([1.0, float("nan"), 3.0])
    assert summarise(values) == {"value": 2.0, "std": pytest.approx(2**0.5), "n": 2, "dropped": 1}
    with pytest.raises(ValueError, match="all of them NaN"):
        summarise(torch.tensor([float("nan")]))
