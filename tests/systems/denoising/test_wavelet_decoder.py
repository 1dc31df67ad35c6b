"""A's denoiser's decoder: its parameters, its sizes, its skips."""

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet, specification
from arae_core.systems.denoising import WaveletDecoder, WaveletEncoder, haar_synthesis


@pytest.fixture
def pair():
    torch.manual_seed(0)
    wavelet = WaveletEncoder(AlexNet(32, 10, width=0.125).eval())
    return wavelet, WaveletDecoder(wavelet).eval()


def test_at_224_pixels_it_is_a_s_layer_by_layer():
    wavelet = WaveletEncoder(AlexNet(224, 10))
    for skips in (True, False):
        g = WaveletDecoder(wavelet, skips=skips).eval()
        assert sum(p.numel() for p in g.parameters()) == 2_574_778
    channels = [(m.in_channels, m.out_channels) for m in g.modules() if isinstance(m, nn.Conv2d)]
    assert channels == [(256, 256), (256, 256), (256, 256), (256, 192), (192, 128), (128, 64), (64, 64), (64, 32),
                        (32, 32), (32, 3), (3, 3)]
    assert [m.padding for m in g.modules() if isinstance(m, nn.ReflectionPad2d)] == [(1, 0, 0, 1)] * 2 + [(2, 0, 0, 2)]
    spectral = WaveletDecoder(wavelet, spectral_norm=True)
    assert sum(p.numel() for p in spectral.parameters()) == 2_574_778


@pytest.mark.parametrize("image_size, width", [(224, 0.1), (64, 0.125), (32, 0.25)])
def test_images_come_back_at_their_size(image_size, width):
    wavelet = WaveletEncoder(AlexNet(image_size, 10, width=width).eval())
    x_hat = WaveletDecoder(wavelet).eval()(wavelet(torch.rand(2, 3, image_size, image_size)))
    assert x_hat.shape == (2, 3, image_size, image_size) and 0 <= x_hat.min() and x_hat.max() <= 1


def test_it_is_its_stages_with_syntheses_between(pair):
    wavelet, g = pair
    z, (one, two, three) = wavelet(torch.rand(2, 3, 32, 32))
    a, b, c, d = g.stages
    by_hand = d(haar_synthesis(c(haar_synthesis(b(haar_synthesis(a(z), three)), two)), one))
    torch.testing.assert_close(g((z, [one, two, three])), by_hand)


def test_each_skip_matters_and_without_skips_none_does(pair):
    wavelet, g = pair
    blind = WaveletDecoder(wavelet, skips=False).eval()
    blind.load_state_dict(g.state_dict())
    z, details = wavelet(torch.rand(1, 3, 32, 32))
    for i in range(3):
        changed = [d + (i == j) * 1000 * torch.randn_like(d) for j, d in enumerate(details)]
        assert (g((z, changed)) - g((z, details))).abs().max() > 1e-4
        assert torch.equal(blind((z, changed)), blind((z, details)))


@pytest.mark.parametrize("image_size", [32, 224])
def test_every_size_runs_and_larger_ones_give_larger_pictures(image_size):
    wavelet = WaveletEncoder(AlexNet(image_size, 10, width=0.1).eval())
    g = WaveletDecoder(wavelet).eval()
    least = {32: 16, 224: 64}[image_size]
    with torch.no_grad():
        sides = [g(wavelet(torch.rand(1, 3, n, n + 7))).shape[2] for n in range(least, least + 40)]
    assert sides == sorted(sides) and sides[0] == least and sides[-1] > least


def test_the_specification_tells_with_from_without_skips(pair):
    wavelet, g = pair
    assert specification(g) != specification(WaveletDecoder(wavelet, skips=False))


def test_other_encoders_are_refused():
    wavelet = WaveletEncoder(AlexNet(32, 10, width=0.125), "conv2")
    pytest.raises(ValueError, WaveletDecoder, wavelet).match("three poolings")
