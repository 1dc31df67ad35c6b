"""A strided convolution over rearranged pixels is that convolution."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from arae_core.networks import AlexNet
from arae_core.networks.image_convolution import ImageConvolution, rearranged, strided_convolution
from arae_core.training import Attack, ClassifierConfig, train_classifier

SHAPES = [(5, 2, 2), (11, 4, 2), (3, 2, 1), (7, 2, 3), (5, 2, 0), (4, 4, 0), (7, 3, 1), (3, 3, 2)]


@pytest.mark.parametrize("side, stride, padding", SHAPES)
@pytest.mark.parametrize("height, width", [(32, 32), (31, 34), (13, 11), (12, 40)])
def test_values_and_gradients_are_those_of_the_convolution(side, stride, padding, height, width):
    torch.manual_seed(0)
    x = torch.rand(2, 3, height, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, side, side, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, requires_grad=True)
    plain = F.conv2d(x, weight, bias, stride, padding)
    ours = strided_convolution(x, weight, bias, stride, padding)
    assert ours.shape == plain.shape
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)
    towards = torch.randn_like(plain)
    for mine, plain_one in zip(torch.autograd.grad(ours, (x, weight, bias), towards),
                               torch.autograd.grad(plain, (x, weight, bias), towards), strict=True):
        torch.testing.assert_close(mine, plain_one, rtol=0, atol=1e-11)


def test_the_layer_is_a_convolution_by_type_weights_and_values():
    first = AlexNet(32, width=0.25).double().stages["conv1"][0]
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    assert isinstance(first, ImageConvolution) and isinstance(first, nn.Conv2d)
    assert list(first.state_dict()) == ["weight", "bias"]
    plain = nn.Conv2d.forward(first, x)
    assert torch.equal(first(x), plain)  # outside of training to the bit
    with pytest.raises(RuntimeError, match="in the middle"), rearranged():
        torch.testing.assert_close(first(x), plain, rtol=0, atol=1e-12)
        assert not torch.equal(first.float()(x.float()), nn.Conv2d.forward(first, x.float()))
        raise RuntimeError("in the middle")
    assert not ImageConvolution.rearranges


def test_training_ends_with_the_weights_of_the_plain_convolution(tiny, monkeypatch):
    torch.manual_seed(0)
    ours = AlexNet(image_size=32, num_classes=4, width=0.25)
    plain = copy.deepcopy(ours)
    config = ClassifierConfig(epochs=1, batch_size=8, lr=0.05, precision="fp32", attack=Attack("l2", 0.5, 2, 0.3))
    found = train_classifier(ours, tiny.take(16), config, seed=0)
    monkeypatch.setattr(ImageConvolution, "forward", nn.Conv2d.forward)
    expected = train_classifier(plain, tiny.take(16), config, seed=0)
    assert found[0]["loss"] == pytest.approx(expected[0]["loss"], abs=1e-5)
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
