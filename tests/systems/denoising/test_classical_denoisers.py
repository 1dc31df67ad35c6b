"""Denoisers from scikit-image: they denoise, keep shapes and range, and refuse what cannot be meant."""

import pytest
import torch

from arae_core.data import clipped_noise, photograph
from arae_core.systems.denoising import classical_denoiser, searched_strength

METHODS = ("nlm", "tv", "wavelet")
SIGMA = 50 / 255


@pytest.fixture(scope="module")
def pair():
    x = photograph("coffee")[:, :, 100:148, 200:264]
    return x, clipped_noise(x, SIGMA, seed=0)


def error(a, b):
    return (a - b).square().mean().item()


@pytest.mark.parametrize("method", METHODS)
def test_it_denoises(pair, method):
    x, noisy = pair
    x_hat = classical_denoiser(method, SIGMA, 0.8)(noisy)
    assert x_hat.shape == x.shape and x_hat.dtype == x.dtype and 0 <= x_hat.min() and x_hat.max() <= 1
    assert error(x_hat, x) < 0.4 * error(noisy, x)
    assert torch.equal(classical_denoiser(method, 0, 1.0)(x), x)  # no noise, no change


@pytest.mark.parametrize("method", METHODS)
def test_channels_and_pictures_keep_their_places(method):
    x = torch.zeros(2, 3, 24, 24)
    x[0, 0], x[1, 2] = 1.0, 0.5
    noisy = clipped_noise(x, 0.05, seed=0)
    x_hat = classical_denoiser(method, 0.05, 1.0)(noisy)
    assert (x_hat - x).abs().mean() < 0.03
    torch.testing.assert_close(x_hat[:1], classical_denoiser(method, 0.05, 1.0)(noisy[:1]))
    for flat in (torch.full((1, 3, 32, 32), value) for value in (0.0, 0.5, 1.0)):  # stays as it is
        assert (classical_denoiser(method, SIGMA, 1.0)(flat) - flat).abs().max() < 1e-3


def test_the_search_finds_the_strength_with_the_highest_psnr(pair):
    x, noisy = pair
    best, found = searched_strength("tv", SIGMA, [x], [noisy], [0.01, 0.8, 20.0])
    assert best == 0.8 and set(found) == {0.01, 0.8, 20.0}
    psnr = -10 * torch.tensor(error(classical_denoiser("tv", SIGMA, 0.8)(noisy), x)).log10().item()
    assert found[0.8] == pytest.approx(psnr, abs=1e-3)


def test_what_cannot_be_meant(pair):
    pytest.raises(ValueError, classical_denoiser, "bm3d", SIGMA, 1.0).match("bm3d")
    pytest.raises(ValueError, classical_denoiser, "tv", 50, 1.0).match("50/255")
    for strength in (0, -1.0, float("nan"), float("inf")):
        pytest.raises(ValueError, classical_denoiser, "tv", SIGMA, strength).match("strength")
    pytest.raises(ValueError, classical_denoiser("nlm", SIGMA, 1.0), 255 * pair[0]).match("by 255")
