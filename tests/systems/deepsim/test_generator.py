"""C's generator: up-convolution is bed of nails and convolution, Table 5's sizes, a linear output."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from arae_core.networks import AlexNet
from arae_core.systems.deepsim import DeepSimGenerator
from arae_core.systems.deepsim.generator import up_convolution


def test_up_convolution_is_bed_of_nails_and_a_convolution():
    torch.manual_seed(0)
    layer, z = up_convolution(4, 3).double(), torch.rand(2, 4, 5, 5, dtype=torch.float64)
    nails = torch.zeros(2, 4, 10, 10, dtype=torch.float64)
    nails[..., ::2, ::2] = z
    kernel = layer.weight.flip(2, 3).transpose(0, 1)
    by_hand = F.conv2d(F.pad(nails, (2, 1, 2, 1)), kernel, layer.bias)
    torch.testing.assert_close(layer(z), by_hand, rtol=1e-10, atol=1e-12)


def sides(generator, z):
    found = []
    with torch.no_grad():
        for module in [*generator.body, generator.to_image]:
            z = module(z)
            if not isinstance(module, nn.LeakyReLU):
                found.append((z.shape[1], z.shape[-1]))
    return found


def test_table_5_at_224():
    generator = DeepSimGenerator(width=0.125)
    channels_and_sides = sides(generator, torch.rand(1, 256, 6, 6))
    assert [side for _, side in channels_and_sides] == [6, 6, 4, 8, 8, 16, 16, 32, 32, 64, 128, 256]
    expected = [512, 512, 512, 256, 512, 256, 256, 128, 128, 64, 32, 24]
    assert [channels * 8 for channels, _ in channels_and_sides] == expected
    assert generator(torch.rand(2, 256, 6, 6)).shape == (2, 3, 224, 224)


def test_parameters_at_224():
    """Two and a half times A's 4.75 million; A says about three."""
    with torch.device("meta"):
        generator = DeepSimGenerator()
    assert sum(p.numel() for p in generator.parameters()) == 12_702_307
    assert not [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {m.negative_slope for m in generator.modules() if isinstance(m, nn.LeakyReLU)} == {0.3}


def test_the_middle_of_256_pixels_is_kept():
    torch.manual_seed(0)
    generator, z = DeepSimGenerator(width=0.02).eval(), torch.rand(1, 256, 6, 6)
    with torch.no_grad():
        whole = generator.to_image(generator.body(z))
        assert whole.shape[-1] == 256
        torch.testing.assert_close(generator(z), whole[..., 16:240, 16:240])


@pytest.mark.parametrize("size, layer, width", [(32, "conv5", 0.5), (64, "conv5", 0.25), (32, "conv2", 0.5)])
def test_small_forms(size, layer, width):
    torch.manual_seed(0)
    encoder = AlexNet(size, 10, width)
    z = encoder.features(torch.rand(2, 3, size, size), layer).detach()
    generator = DeepSimGenerator(encoder.feature_shape(layer), size, width)
    x_hat = generator(z)
    assert x_hat.shape == (2, 3, size, size)
    x_hat.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


def test_the_output_is_linear_around_mid_grey():
    """No bound: a scaled last layer leaves [0, 1]; at the start it is centred at the middle of it."""
    torch.manual_seed(0)
    generator, z = DeepSimGenerator((64, 2, 2), 32, 0.5), torch.rand(16, 64, 2, 2)
    with torch.no_grad():
        x_hat = generator(z)
        assert abs(x_hat.mean().item() - 0.5) < 0.1 and 0.02 < x_hat.std().item() < 1
        generator.to_image.weight *= 100
        assert generator(z).min() < 0 and generator(z).max() > 1


def test_pixels_are_float32_under_autocast():
    generator, z = DeepSimGenerator((8, 2, 2), 32, 0.05), torch.rand(1, 8, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert generator(z).dtype == torch.float32


@pytest.mark.parametrize("shape, size", [((8, 6, 6), 32), ((8,), 32), ((8, 13, 13), 224), ((8, 1, 1), 1024)])
def test_features_that_do_not_fit(shape, size):
    pytest.raises(ValueError, DeepSimGenerator, shape, size).match("double to")
