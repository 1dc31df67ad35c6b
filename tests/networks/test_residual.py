"""The residual blocks, and the networks made of them, at their published sizes."""

import pytest
import torch

from arae_core.networks import VGG16, ResNet18, WideResNet28_10
from arae_core.networks.residual import BasicBlock, PreActivationBlock


@pytest.mark.parametrize(
    "model, layers, parameters",
    [
        (ResNet18, ("stem", "block1", "block2", "block3", "block4", "logits"), 11_173_962),
        (WideResNet28_10, ("stem", "block1", "block2", "block3", "logits"), 36_479_194),
        (VGG16, ("block1", "block2", "block3", "block4", "block5", "logits"), 14_796_495),
    ],
)
def test_layers_and_parameters(model, layers, parameters):
    with torch.device("meta"):
        encoder = model()
    assert encoder.layers == layers
    assert sum(p.numel() for p in encoder.parameters()) == parameters


@pytest.mark.parametrize(
    "model, layer, shape",
    [
        (ResNet18, "block3", (256, 8, 8)),
        (ResNet18, "block4", (512, 4, 4)),
        (WideResNet28_10, "block3", (640, 8, 8)),
        (VGG16, "block5", (512, 2, 2)),
    ],
)
def test_shapes_at_full_width(model, layer, shape):
    with torch.device("meta"):
        assert model().feature_shape(layer) == shape


def test_the_third_group_of_the_wide_net_is_what_its_classifier_pools():
    encoder = WideResNet28_10(width=0.05).eval()
    x = torch.rand(2, 3, 32, 32)
    z = encoder.features(x, "block3")
    assert z.min() >= 0 > encoder.features(x, "block2").min()
    linear = encoder.stages["logits"][-1]
    torch.testing.assert_close(encoder(x), linear(z.mean((2, 3))))


@pytest.mark.parametrize("block", [BasicBlock, PreActivationBlock])
def test_the_input_passes_around_silent_convolutions(block):
    same, changed = block(4, 4).eval(), block(4, 6, stride=2).eval()
    z = torch.rand(2, 4, 8, 8)
    for module in (same, changed):
        torch.nn.init.zeros_(module.conv2.weight)
    torch.testing.assert_close(same(z), z)
    assert changed(z).shape == (2, 6, 4, 4)
    assert changed(z).abs().max() > 0
