"""A strided convolution over rearranged pixels is that convolution; networks come back as they were."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from arae_core.networks import AlexNet, ResNet18
from arae_core.training import Attack, ClassifierConfig, train_classifier
from arae_core.training.rearranged import rearranged, strided_convolution

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
    for mine, its in zip(torch.autograd.grad(ours, (x, weight, bias), towards),
                         torch.autograd.grad(plain, (x, weight, bias), towards), strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=1e-11)


def test_only_the_first_layer_changes_and_all_is_as_before_afterwards():
    torch.manual_seed(0)
    f = AlexNet(32, width=0.25).double()
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    before, keys = f(x), list(f.state_dict())
    first = f.stages["conv1"][0]
    with pytest.raises(RuntimeError, match="out of the middle"), rearranged(f):
        assert "forward" in vars(first) and "forward" not in vars(f.stages["conv2"][0])
        assert "forward" not in vars(f.stages["conv3"]) and "forward" not in vars(f.stages["fc6"])
        torch.testing.assert_close(f(x), before, rtol=0, atol=1e-12)
        assert not torch.equal(f.features(x, "conv1"), f.features(x.flip(3), "conv1"))
        assert list(f.state_dict()) == keys
        raise RuntimeError("out of the middle")
    assert "forward" not in vars(first) and torch.equal(f(x), before)


def test_convolutions_that_would_not_gain_are_left_alone():
    wide = nn.Sequential(nn.Conv2d(16, 8, 3, 2, 1), nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(3, 8, 3, 2, 1, padding_mode="reflect"))
    network = ResNet18(32, width=0.1)
    with rearranged(wide, network):
        assert not any("forward" in vars(module) for model in (wide, network) for module in model.modules())


def test_training_inside_ends_with_the_same_weights(tiny, build):
    torch.manual_seed(0)
    plain = build()
    other = copy.deepcopy(plain)
    config = ClassifierConfig(epochs=1, batch_size=8, lr=0.05, precision="fp32", attack=Attack("l2", 0.5, 2, 0.3))
    train = tiny.take(16)
    expected = train_classifier(plain, train, config, seed=0)
    with rearranged(other):
        found = train_classifier(other, train, config, seed=0)
    assert found[0]["loss"] == pytest.approx(expected[0]["loss"], abs=1e-5)
    for ours, theirs in zip(other.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_pooling_before_relu_is_the_same_bit_by_bit():
    """Also where all of a window is negative, and where values tie."""
    torch.manual_seed(0)
    stage = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2))
    x = (torch.randint(-3, 4, (4, 3, 17, 17)) / 2).requires_grad_()  # few values: many ties
    with torch.no_grad():
        stage[0].weight.copy_(stage[0].weight.sign())
        stage[0].bias.zero_()
    plain = stage(x)
    assert (plain == 0).any() and (plain > 0).any()
    expected = torch.autograd.grad(plain.sum(), (x, *stage.parameters()))
    with rearranged(stage):
        ours = stage(x)
        found = torch.autograd.grad(ours.sum(), (x, *stage.parameters()))
        assert "forward" in vars(stage)
    assert torch.equal(ours, plain) and all(map(torch.equal, found, expected))
    assert "forward" not in vars(stage)


def test_hooks_of_the_layers_still_run():
    stage, seen = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)), []
    for layer in stage:
        layer.register_forward_hook(lambda module, *_: seen.append(type(module).__name__))
    with rearranged(stage):
        stage(torch.rand(1, 3, 9, 9))
    assert seen == ["Conv2d", "MaxPool2d", "ReLU"]
