"""Haar analysis and synthesis, the encoder that pools by them, the decoder that undoes them."""

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet, ResNet18, specification
from arae_core.systems.denoising import WaveletDecoder, WaveletEncoder, haar_analysis, haar_synthesis
from tests.tiny import untouched


@pytest.mark.parametrize("h, w", [(2, 2), (8, 6), (16, 34), (5, 8), (8, 7), (27, 27), (13, 55)])
def test_perfect_reconstruction_but_for_the_last_row_or_column_of_odd_sides(h, w):
    x = torch.randn(3, 5, h, w, dtype=torch.float64)
    ll, details = haar_analysis(x)
    assert ll.shape == (3, 5, h // 2, w // 2) and details.shape == (3, 3, 5, h // 2, w // 2)
    even = x[..., : h // 2 * 2, : w // 2 * 2]
    torch.testing.assert_close(haar_synthesis(ll, details), even, rtol=0, atol=1e-14)


def test_one_block_by_hand_and_it_is_orthonormal():
    ll, details = haar_analysis(torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]]]))
    assert ll.item() == 5.5 and details.flatten().tolist() == [2.5, 1.5, 0.5]
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    ll, details = haar_analysis(x)
    assert (ll.square().sum() + details.square().sum()).item() == pytest.approx(x.square().sum().item())
    basis = torch.eye(4, dtype=torch.float64).view(4, 1, 2, 2)
    ll, details = haar_analysis(basis)
    matrix = torch.cat([ll.flatten(1), details.flatten(1)], dim=1)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(4, dtype=torch.float64))
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: haar_synthesis(*haar_analysis(x)), x)


def test_synthesis_then_analysis_is_the_identity_too():
    """Without details each block is even."""
    ll, details = torch.randn(2, 4, 3, 5, dtype=torch.float64), torch.randn(2, 3, 4, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(haar_analysis(haar_synthesis(ll, details)), (ll, details))
    assert torch.equal(haar_synthesis(ll), haar_synthesis(ll, 0 * details))
    again, details = haar_analysis(haar_synthesis(ll))
    torch.testing.assert_close(again, ll)
    assert details.abs().max() == 0


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return AlexNet(32, 10, width=0.125).eval()


def test_it_is_the_encoder_with_haar_by_hand_and_shares_its_weights(encoder):
    x = torch.rand(2, 3, 32, 32)
    z = (x - encoder.mean) / encoder.std
    stages, wanted = encoder.stages, []
    for name in ("conv1", "conv2"):
        z, details = haar_analysis(stages[name][1](stages[name][0](z)))
        wanted.append(details)
    z, details = haar_analysis(stages["conv5"][:2](stages["conv4"](stages["conv3"](z))))
    wavelet = WaveletEncoder(encoder, "conv5")
    with untouched(encoder):
        got, skips = wavelet(x)
    assert wavelet.encoder is encoder and set(wavelet.parameters()) == set(encoder.parameters())
    assert torch.equal(got, z) and got.shape == encoder.features(x, "conv5").shape
    assert len(skips) == 3 and all(torch.equal(a, b) for a, b in zip(skips, [*wanted, details]))


def test_what_does_not_fit_and_layers_that_do_not_end_in_a_pooling_are_refused(encoder):
    ll, details = torch.rand(1, 2, 4, 4), torch.rand(1, 3, 2, 4, 5)
    pytest.raises(ValueError, haar_analysis, torch.rand(1, 1, 1, 8)).match("two pixels")
    pytest.raises(ValueError, haar_synthesis, ll, details).match("do not belong")
    pytest.raises(ValueError, WaveletEncoder, encoder, "conv3").match("conv3 of AlexNet .* not end in a max pooling")
    pytest.raises(ValueError, WaveletEncoder, encoder, "conv6").match("conv6")
    pytest.raises(ValueError, WaveletDecoder, WaveletEncoder(encoder, "conv2")).match("three poolings")
    f = ResNet18(num_classes=10, width=0.1)
    pytest.raises((TypeError, ValueError), WaveletEncoder, f, f.layers[1]).match("no plain chain|does not end")


def test_at_224_pixels_it_is_a_s_layer_by_layer():
    wavelet = WaveletEncoder(AlexNet(224, 10))
    with torch.no_grad():
        z, details = wavelet(torch.rand(1, 3, 224, 224))
    assert z.shape == (1, 256, 6, 6)
    assert [tuple(d.shape[1:]) for d in details] == [(3, 64, 27, 27), (3, 192, 13, 13), (3, 256, 6, 6)]
    for options in ({"skips": False}, {"spectral_norm": True}, {}):
        g = WaveletDecoder(wavelet, **options).eval()
        assert sum(p.numel() for p in g.parameters()) == 2_574_778
    channels = [(m.in_channels, m.out_channels) for m in g.modules() if isinstance(m, nn.Conv2d)]
    assert channels == [(256, 256), (256, 256), (256, 256), (256, 192), (192, 128), (128, 64), (64, 64), (64, 32),
                        (32, 32), (32, 3), (3, 3)]
    assert [m.padding for m in g.modules() if isinstance(m, nn.ReflectionPad2d)] == [(1, 0, 0, 1)] * 2 + [(2, 0, 0, 2)]


def test_it_is_its_stages_with_syntheses_between_and_each_skip_matters_or_none(encoder):
    wavelet = WaveletEncoder(encoder)
    g = WaveletDecoder(wavelet).eval()
    z, (one, two, three) = wavelet(torch.rand(2, 3, 32, 32))
    a, b, c, d = g.stages
    by_hand = d(haar_synthesis(c(haar_synthesis(b(haar_synthesis(a(z), three)), two)), one))
    torch.testing.assert_close(g((z, [one, two, three])), by_hand)
    blind = WaveletDecoder(wavelet, skips=False).eval()
    blind.load_state_dict(g.state_dict())
    assert specification(g) != specification(blind)
    z, details = wavelet(torch.rand(1, 3, 32, 32))
    for i in range(3):
        changed = [d + (i == j) * 10_000 * torch.randn_like(d) for j, d in enumerate(details)]
        assert (g((z, changed)) - g((z, details))).abs().max() > 1e-4
        assert torch.equal(blind((z, changed)), blind((z, details)))


@pytest.mark.parametrize("size, width, least", [(32, 0.25, 16), (64, 0.125, 16), (224, 0.1, 64)])
def test_images_come_back_at_their_size_and_larger_ones_larger(size, width, least):
    wavelet = WaveletEncoder(AlexNet(size, 10, width=width).eval())
    g = WaveletDecoder(wavelet).eval()
    x_hat = g(wavelet(torch.rand(2, 3, size, size)))
    assert x_hat.shape == (2, 3, size, size) and 0 <= x_hat.min() and x_hat.max() <= 1
    with torch.no_grad():
        sides = [g(wavelet(torch.rand(1, 3, n, n + 7))).shape[2] for n in range(least, least + 40)]
    assert sides == sorted(sides) and sides[0] == least and sides[-1] > least
