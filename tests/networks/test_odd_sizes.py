"""Every generator on pictures of sizes its encoder was not laid out for: which size comes out."""

import pytest
import torch

from arae_core.networks import AlexNet, Autoencoder, mirror
from arae_core.networks.alexnet_inverter import alexnet_inverter
from tests.tiny import ENCODERS, built

SIZES = [(33, 47), (50, 37), (63, 65), (32, 96), (64, 64)]


def up(n, k):
    """A side that k convolutions of stride 2 with padding 1 halve, and its mirror doubles again."""
    return 2**k * -(-n // 2**k)


def down(n, k):
    """The same for k pools, which leave out the last row of an odd side."""
    return n // 2**k * 2**k


def small_alexnet(n, k):
    """First one such convolution, then pools."""
    return down(up(n, 1), k)


ALEXNET = (small_alexnet, {"conv1": 2, "conv2": 3, "conv3": 3, "conv4": 3, "conv5": 4})
CASES = {  # the rule, and how often each layer's features were halved
    "alexnet-32": ALEXNET, "alexnet-64": ALEXNET, "vgg16": (down, {f"block{k}": k for k in range(1, 6)}),
    "resnet18": (up, {"stem": 0, "block1": 0, "block2": 1, "block3": 2, "block4": 3}),
    "wrn-28-10": (up, {"stem": 0, "block1": 0, "block2": 1, "block3": 2}),
}


@pytest.mark.parametrize("name, layer", [(name, layer) for name in CASES for layer in CASES[name][1]])
def test_the_mirrors_answer(name, layer):
    """Of a multiple of the stride, a picture of its own size."""
    rule, halvings = CASES[name]
    f, k = built(ENCODERS[name]), halvings[layer]
    autoencoder = Autoencoder(f, mirror(f, layer), layer)
    for height, width in SIZES:
        x_hat = autoencoder.reconstruct(torch.rand(1, 3, height, width))
        assert x_hat.shape == (1, 3, rule(height, k), rule(width, k)), (height, width)
        assert 0 <= x_hat.min() and x_hat.max() <= 1
    assert [n for n in range(2**k, 130) if rule(n, k) == n] == list(range(2**k, 130, 2**k))


# AlexNet at 224 pixels: conv1 is a window of 11 at every 4th pixel, 2 beyond the edge; pools are windows of 3 at every 2nd.
def alexnet_side(n, pools):
    n = (n + 2 * 2 - 11) // 4 + 1
    for _ in range(pools):
        n = (n - 3) // 2 + 1
    return n


@pytest.mark.parametrize("layer, pools", [("conv1", 1), ("conv2", 2), ("conv4", 2), ("conv5", 3)])
@pytest.mark.parametrize("height, width", [(225, 301), (224, 256), (127, 95)])
def test_the_mirror_of_the_large_alexnet(layer, pools, height, width):
    f = AlexNet(224, 10, 0.0625)
    z = f.features(torch.rand(1, 3, height, width), layer)
    sides = [alexnet_side(height, pools), alexnet_side(width, pools)]
    assert list(z.shape[2:]) == sides
    for _ in range(pools):
        sides = [2 * n + 1 for n in sides]  # 6 -> 13 -> 27 -> 55: pools of 3 leave odd sides
    assert list(mirror(f, layer)(z).shape[2:]) == [4 * n + 4 for n in sides]


@pytest.mark.parametrize("layer, channels, stride", [("conv1", 64, 8), ("conv2", 192, 16), ("conv5", 256, 32)])
@pytest.mark.parametrize("height, width", [(1, 2), (3, 5), (6, 4)])
def test_the_papers_own_decoders_grow_by_one_and_double(layer, channels, stride, height, width):
    with torch.device("meta"):
        x_hat = alexnet_inverter(layer, spectral_norm=False).eval()(torch.empty(1, channels, height, width))
    assert x_hat.shape == (1, 3, stride * (height + 1), stride * (width + 1))
