"""Which sizes a network gives back, and how far it looks."""

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet, Autoencoder, ResNet18, mirror
from arae_core.networks.alexnet_inverter import alexnet_inverter
from arae_core.systems.whole_pictures.sizes import Grid, reach, size_grid
from tests.tiny import ENCODERS, untouched


def autoencoder(encoder, layer):
    return Autoencoder(encoder, mirror(encoder, layer), layer)


def test_next_sizes_up_and_down():
    grid = Grid(first=64, period=32)
    assert [grid.at_least(n) for n in (1, 64, 65, 96, 97, 1000)] == [64, 64, 96, 96, 128, 1024]
    assert [grid.at_most(n) for n in (1, 64, 95, 96, 1000)] == [64, 64, 64, 96, 992]


@pytest.mark.parametrize(("name", "layer", "first", "period"), [
    # the period is the product of the strides; the first side is the one that leaves a single feature
    ("alexnet-32", "conv1", 4, 4), ("alexnet-32", "conv5", 16, 16), ("alexnet-64", "conv4", 8, 8),
    ("alexnet-224", "conv1", 16, 8), ("alexnet-224", "conv5", 64, 32), ("vgg16", "block5", 32, 32),
    ("resnet18", "stem", 1, 1), ("resnet18", "block4", 8, 8), ("wrn-28-10", "block3", 4, 4)])
def test_grids_of_all_encoders(name, layer, first, period):
    assert size_grid(autoencoder(ENCODERS[name](), layer)) == Grid(first, period)


def test_grids_of_the_papers_inverters():
    for layer, grid in (("conv1", Grid(16, 8)), ("conv2", Grid(32, 16)), ("conv5", Grid(64, 32))):
        assert size_grid(Autoencoder(AlexNet(224, 10, 1.0), alexnet_inverter(layer), layer)) == grid


@pytest.mark.parametrize("size", [32, 224])
def test_fully_connected_and_pooled_layers_have_none(size):
    for layer in ("fc6", "fc7", "logits"):
        fully_connected = autoencoder(AlexNet(size, 10, 0.0625), layer)
        pytest.raises(ValueError, size_grid, fully_connected).match("tied to one size.*convolutional layer")
    pooled = autoencoder(ResNet18(32, 10, 0.0625), "logits")
    pytest.raises(ValueError, size_grid, pooled).match("tied to one size")


def test_modes_statistics_and_weights_stay():
    pair = autoencoder(ResNet18(32, 10, 0.0625), "block2").train()
    with untouched(pair):
        reach(pair, size_grid(pair))


def test_reach_of_known_networks():
    assert reach(nn.Conv2d(3, 3, 7, padding=3), Grid(1, 1)) == 3
    assert reach(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 3, 5, padding=2)), Grid(1, 1)) == 3
    # pairs of pixels become one, it sees its neighbours, and becomes a pair again
    halved = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 3, 3, padding=1), nn.Upsample(scale_factor=2))
    assert size_grid(halved) == Grid(2, 2) and reach(halved, Grid(2, 2)) == 2
    assert reach(nn.Conv2d(3, 3, (1, 9), padding=(0, 4)), Grid(1, 1)) == 4  # whichever axis is the longer


def test_reach_is_exact():
    """Two pictures that differ only beyond a cut: x_hat differs as far as the reach says, and no further."""
    torch.manual_seed(0)
    pair = autoencoder(AlexNet(32, 10, 0.25), "conv3").double()
    grid = size_grid(pair)
    far, cut = reach(pair, grid), 96
    x, changed = torch.rand(2, 1, 3, 32, 192, dtype=torch.float64)
    changed[..., cut:] = x[..., cut:]
    with torch.no_grad():
        differs = (pair(x) - pair(changed)).abs().amax(dim=(0, 1, 2)) > 0
    assert differs[cut + far - 1] and not differs[cut + far :].any()


def test_a_global_mean_has_no_reach():
    everywhere = nn.GroupNorm(1, 3, affine=False)  # takes the picture's mean from each pixel
    pytest.raises(ValueError, reach, everywhere, Grid(1, 64)).match("whole picture")
