"""C's generator (Table 5) and discriminator (Table 1): up-convolution, sizes, a linear output, dropout.

What holds for both discriminators is in `tests/networks/test_discriminator.py`.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from arae_core.networks import AlexNet
from arae_core.systems.deepsim import DeepSimDiscriminator, DeepSimGenerator
from arae_core.systems.deepsim.generator import up_convolution
from tests.tiny import shapes


def test_up_convolution_is_bed_of_nails_and_a_convolution():
    torch.manual_seed(0)
    layer, z = up_convolution(4, 3).double(), torch.rand(2, 4, 5, 5, dtype=torch.float64)
    nails = torch.zeros(2, 4, 10, 10, dtype=torch.float64)
    nails[..., ::2, ::2] = z
    kernel = layer.weight.flip(2, 3).transpose(0, 1)
    by_hand = F.conv2d(F.pad(nails, (2, 1, 2, 1)), kernel, layer.bias)
    torch.testing.assert_close(layer(z), by_hand, rtol=1e-10, atol=1e-12)


def test_table_5_at_224_of_which_the_middle_is_kept():
    g = DeepSimGenerator(width=0.125).eval()
    found = shapes([*g.body, g.to_image], torch.rand(1, 256, 6, 6), nn.Conv2d, nn.ConvTranspose2d)
    assert [side for _, side in found] == [6, 6, 4, 8, 8, 16, 16, 32, 32, 64, 128, 256]
    assert [channels * 8 for channels, _ in found] == [512, 512, 512, 256, 512, 256, 256, 128, 128, 64, 32, 24]
    z = torch.rand(2, 256, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(g(z), g.to_image(g.body(z))[..., 16:240, 16:240])


@pytest.mark.parametrize("size, layer, width", [(32, "conv5", 0.5), (64, "conv5", 0.25), (32, "conv2", 0.5)])
def test_small_forms(size, layer, width):
    torch.manual_seed(0)
    encoder = AlexNet(size, 10, width)
    z = encoder.features(torch.rand(2, 3, size, size), layer).detach()
    generator = DeepSimGenerator(encoder.feature_shape(layer), size, width)
    x_hat = generator(z)
    x_hat.sum().backward()
    assert x_hat.shape == (2, 3, size, size) and all(p.grad.isfinite().all() for p in generator.parameters())


def test_the_output_is_linear_around_mid_grey():
    """No bound: a scaled last layer leaves [0, 1]; at the start it is centred at the middle of it."""
    torch.manual_seed(0)
    generator, z = DeepSimGenerator((64, 2, 2), 32, 0.5), torch.rand(16, 64, 2, 2)
    with torch.no_grad():
        x_hat = generator(z)
        assert abs(x_hat.mean().item() - 0.5) < 0.1 and 0.02 < x_hat.std().item() < 1
        generator.to_image.weight *= 100
        assert generator(z).min() < 0 and generator(z).max() > 1
    with torch.autocast("cpu", torch.bfloat16):
        assert generator(z).dtype == torch.float32


@pytest.mark.parametrize("size, sides", [(64, [29, 25, 12, 10]), (224, [55, 51, 25, 23]), (32, [26, 22, 10, 8])])
def test_table_1_at_64_and_at_other_sizes_another_first_stride(size, sides):
    image = DeepSimDiscriminator((1,), size, width=0.25).image
    assert [side for _, side in shapes(image, torch.rand(1, 3, size, size), nn.Conv2d)][:4] == sides
    table = [m for m in DeepSimDiscriminator((1,), 64).image if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in table] == [32, 64, 128, 256, 256]
    assert [m.kernel_size[0] for m in table] == [7, 5, 3, 3, 3] and [m.stride[0] for m in table] == [2, 1, 2, 1, 2]


@pytest.mark.parametrize("network, parameters, dropout", [
    (DeepSimGenerator, 12_702_307, []),  # two and a half times A's 4.75 million; A says about three
    (DeepSimDiscriminator, 11_372_353, [0.5, 0.5]),  # A's, but for its non-linearity and spectral norm
])
def test_parameters_and_leaks_at_224(network, parameters, dropout):
    with torch.device("meta"):
        network = network()
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert not [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.3}
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == dropout


def test_a_size_that_cannot_be_reached_is_refused():
    for shape, size in (((8, 6, 6), 32), ((8,), 32), ((8, 13, 13), 224), ((8, 1, 1), 1024)):
        pytest.raises(ValueError, DeepSimGenerator, shape, size).match("double to")
