"""The mirror generator of every encoder at every layer."""

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet, Encoder, ResNet18, mirror
from tests.tiny import ENCODERS, built, shapes, untouched

with torch.device("meta"):
    CASES = [(name, layer) for name, make in ENCODERS.items() for layer in make().layers]


def convolutions(generator):
    return [m for m in generator.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("name, layer", CASES)
def test_from_features_to_images(name, layer):
    encoder = built(ENCODERS[name])
    generator = mirror(encoder, layer)
    x_hat = generator(torch.rand(2, *encoder.feature_shape(layer)))
    assert x_hat.shape == (2, 3, encoder.image_size, encoder.image_size) and x_hat.dtype == torch.float32
    assert 0 <= x_hat.min() < x_hat.max() <= 1
    (x_hat - torch.rand_like(x_hat)).square().sum().backward()
    for parameter_name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, parameter_name


def test_the_book_s_default_net_is_mirrored_channel_by_channel():
    generator = mirror(AlexNet(32, 10, 0.5), "conv5")
    found = convolutions(generator)
    assert [(type(m).__name__, m.in_channels, m.out_channels, m.kernel_size[0]) for m in found] == [
        ("Conv2d", 128, 128, 3), ("ConvTranspose2d", 128, 128, 4),  # pool
        ("Conv2d", 128, 128, 3), ("Conv2d", 128, 192, 3), ("Conv2d", 192, 96, 3),  # conv5 to conv3
        ("ConvTranspose2d", 96, 96, 4), ("Conv2d", 96, 48, 3),  # pool, conv2
        ("ConvTranspose2d", 48, 48, 4), ("ConvTranspose2d", 48, 24, 4),  # pool, conv1 and its stride
        ("Conv2d", 24, 3, 3)]
    assert [m.bias is None for m in found] == [True] * 9 + [False]


def test_odd_sides_are_met_on_the_way():
    generator = mirror(AlexNet(224, 10, 0.0625), "conv5")
    sides = [side for _, side in shapes(generator, torch.rand(1, 16, 6, 6), nn.ConvTranspose2d)]
    assert sides == [13, 27, 55, 224]


def test_the_encoder_is_only_read_and_a_seed_gives_the_same_generator():
    encoder = ResNet18(width=0.125).train()
    with untouched(encoder):
        one, two = (built(lambda: mirror(encoder, "block4"), seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("name", ["alexnet-32", "resnet18"])
def test_spectral_norm_is_on_every_convolution(name):
    encoder = ENCODERS[name]()
    layer = encoder.layers[-2]
    plain, normed = mirror(encoder, layer), mirror(encoder, layer, spectral_norm=True)
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in normed.parameters())
    assert all(nn.utils.parametrize.is_parametrized(m, "weight") for m in convolutions(normed))
    assert not any(nn.utils.parametrize.is_parametrized(m) for m in plain.modules())


def test_precision_follows_the_encoder_and_images_are_float32_under_autocast():
    encoder = AlexNet(32, 10, 0.25)
    with torch.autocast("cpu", torch.bfloat16):
        assert mirror(encoder, "conv2")(torch.rand(2, 48, 4, 4)).dtype == torch.float32
    assert mirror(encoder.double(), "conv2")(torch.rand(1, 48, 4, 4).double()).dtype == torch.float64


def test_what_it_cannot_undo_it_says():
    pytest.raises(ValueError, mirror, AlexNet(32, 10, 0.25), "conv6").match("conv6.*conv1, conv2")
    shuffled = Encoder([("logits", nn.PixelUnshuffle(2))], image_size=32, num_classes=12)
    pytest.raises(TypeError, mirror, shuffled, "logits").match("PixelUnshuffle")
    dilated = Encoder([("logits", nn.Conv2d(3, 8, 3, dilation=2))], image_size=32, num_classes=8)
    pytest.raises(ValueError, mirror, dilated, "logits").match("28.*32.*dilation")


@pytest.mark.parametrize("size, width", [(32, 0.1), (64, 0.1), (224, 0.05)])
@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv5"])
def test_nearest_neighbours_in_place_of_transposed_convolutions(size, width, layer):
    f = AlexNet(size, 10, width)
    g = mirror(f, layer, upsampling="nearest").eval()
    assert not [m for m in g.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert {m.mode for m in g.modules() if isinstance(m, nn.Upsample)} == {"nearest"}
    assert g(torch.zeros(2, *f.feature_shape(layer))).shape == (2, 3, size, size)
    pytest.raises(ValueError, mirror, f, layer, upsampling="bilinear").match("'transposed' or 'nearest'")
