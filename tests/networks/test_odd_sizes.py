"""Every generator on pictures of sizes its encoder was not laid out for: which size comes out."""

import pytest
import torch

from arae_core import metrics
from arae_core.networks import VGG16, AlexNet, Autoencoder, ResNet18, WideResNet28_10, mirror
from arae_core.networks.alexnet_inverter import alexnet_inverter

SIZES = [(33, 47), (50, 37), (63, 65), (32, 96), (64, 64)]


def halved(n, times, *, up=False):
    """A side after halving it, rounding down (pools) or up (convolutions of stride 2 with padding 1)."""
    for _ in range(times):
        n = (n + 1) // 2 if up else n // 2
    return n


def small_alexnet():
    """First a convolution of stride 2, then pools: conv1 halves twice, conv2 to conv4 three times, conv5 four."""
    halvings = {"conv1": 2, "conv2": 3, "conv3": 3, "conv4": 3, "conv5": 4}
    return {layer: lambda n, k=k: 2**k * halved(halved(n, 1, up=True), k - 1) for layer, k in halvings.items()}


def by_strides(halvings, *, up):
    return {layer: lambda n, k=k: 2**k * halved(n, k, up=up) for layer, k in halvings.items()}


CASES = {
    "alexnet-32": (lambda: AlexNet(32, 10, 0.125), small_alexnet()),
    "alexnet-64": (lambda: AlexNet(64, 10, 0.0625), small_alexnet()),
    "vgg16": (lambda: VGG16(32, 10, 0.0625), by_strides({f"block{k}": k for k in range(1, 6)}, up=False)),
    "resnet18": (lambda: ResNet18(width=0.0625),
                 by_strides({"stem": 0, **{f"block{k}": k - 1 for k in range(1, 5)}}, up=True)),
    "wrn-28-10": (lambda: WideResNet28_10(width=0.025),
                  by_strides({"stem": 0, **{f"block{k}": k - 1 for k in range(1, 4)}}, up=True)),
}


@pytest.mark.parametrize("name, layer", [(name, layer) for name, (_, rules) in CASES.items() for layer in rules])
def test_the_mirrors_answer(name, layer):
    build, rules = CASES[name]
    torch.manual_seed(0)
    f = build()
    autoencoder = Autoencoder(f, mirror(f, layer), layer)
    for height, width in SIZES:
        x_hat = autoencoder.reconstruct(torch.rand(1, 3, height, width))
        assert x_hat.shape == (1, 3, rules[layer](height), rules[layer](width)), (height, width)
        assert 0 <= x_hat.min() and x_hat.max() <= 1


@pytest.mark.parametrize("name", CASES)
def test_multiples_of_the_last_stride_come_back_exactly(name):
    build, rules = CASES[name]
    last = list(rules)[-1]
    stride = 2 ** {"alexnet-32": 4, "alexnet-64": 4, "vgg16": 5, "resnet18": 3, "wrn-28-10": 2}[name]
    assert [n for n in range(stride, 130) if rules[last](n) == n] == list(range(stride, 130, stride))


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


@pytest.mark.parametrize("name, side", [("vgg16", 31), ("alexnet-32", 14)])
def test_pictures_smaller_than_the_strides_are_refused(name, side):
    f = CASES[name][0]()
    last = list(CASES[name][1])[-1]
    pytest.raises(RuntimeError, f.eval().features, torch.rand(1, 3, side, side), last).match("too small")


def test_an_answer_of_another_size_is_not_measured():
    f = VGG16(32, 10, 0.0625)
    x = torch.rand(1, 3, 33, 47)
    x_hat = Autoencoder(f, mirror(f, "block3"), "block3").reconstruct(x)
    pytest.raises(ValueError, metrics.psnr, x_hat, x).match(r"32, 40.*33, 47")
