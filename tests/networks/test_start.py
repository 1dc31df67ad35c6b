"""Two ways to start AlexNet: the variance of a weight with n inputs, and what the key of a model says of it."""

import pytest
import torch

from arae_core.networks import AlexNet
from arae_core.networks.specification import specification


@pytest.mark.parametrize("start, variance", [("torch", 1 / 3), ("kaiming", 2.0)])
def test_the_variance_of_the_weights(start, variance):
    torch.manual_seed(0)
    for name, weight in AlexNet(32, 10, start=start).named_parameters():
        if weight.dim() > 1:
            inputs = weight[0].numel()
            assert float(weight.detach().var()) * inputs == pytest.approx(variance, rel=0.15), name
        elif start == "kaiming":
            assert not weight.any(), name


def test_the_usual_start_is_no_part_of_the_key():
    usual, other = (specification(AlexNet(32, 10, 0.25, start=start)) for start in ("torch", "kaiming"))
    assert "start" not in usual["arguments"]
    assert other["arguments"] == usual["arguments"] | {"start": "kaiming"}


def test_another_start_is_refused():
    with pytest.raises(ValueError, match="start must be"):
        AlexNet(32, 10, start="he")
