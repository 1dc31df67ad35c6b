from unittest.mock import Mock

import pytest
import torch
from torch import nn

from arae_core.metrics import accuracy, summarise


class BrightestChannel(nn.Module):
    """Classifies an image by its brightest channel; counts on being in eval mode."""

    def __init__(self):
        super().__init__()
        self.frozen = nn.Dropout(0.9).eval()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        assert not self.training
        return self.scale * x.mean(dim=(2, 3))


def batches():
    x = torch.eye(3).repeat(2, 1)[:, :, None, None].expand(6, 3, 4, 4)
    y = torch.tensor([0, 1, 2, 0, 1, 0])  # the last is wrong
    return [(x[:4], y[:4]), (x[4:], y[4:])]


def test_one_verdict_an_image_in_order_after_the_attack():
    right = accuracy(BrightestChannel(), batches())
    assert right.tolist() == [True] * 5 + [False]
    assert summarise(right)["value"] == pytest.approx(5 / 6)
    # the roll that breaks the first five takes the last, whose label is 0, from channel 2 to 0
    rolled = accuracy(BrightestChannel(), batches(), lambda model, x, y: x.roll(1, dims=1))
    assert rolled.tolist() == [False] * 5 + [True]
    pytest.raises(ValueError, accuracy, BrightestChannel(), []).match("empty")


def test_the_mode_of_every_module_is_restored_even_after_an_error():
    model = BrightestChannel().train()
    model.frozen.eval()
    accuracy(model, batches())
    assert model.training and not model.frozen.training
    broken = Mock(side_effect=RuntimeError("attack"))
    pytest.raises(RuntimeError, accuracy, model, batches(), broken).match("attack")
    assert model.training and not model.frozen.training
