"""Clipped Gaussian noise: its statistics, its seeds, and input that cannot be meant."""

import pytest
import torch

from arae_core.data import clipped_noise


def grey(value, side=128):
    return torch.full((1, 3, side, side), value)


def test_in_the_middle_it_is_gaussian_of_that_deviation_and_clipping_is_what_the_formula_says():
    n = clipped_noise(grey(0.5), 0.1, seed=0) - 0.5
    assert n.std().item() == pytest.approx(0.1, rel=0.02) and abs(n.mean().item()) < 1e-3
    assert ((n.abs() < 0.1).float().mean() - 0.6827).abs() < 0.01
    assert (n[0, 0] * n[0, 1]).mean().abs() < 1e-3  # channels are independent

    n = clipped_noise(grey(0.0), 0.2, seed=0)  # clipped at black
    assert n.min() == 0 and (n == 0).float().mean().item() == pytest.approx(0.5, abs=0.01)
    assert n.mean().item() == pytest.approx(0.2 / (2 * torch.pi) ** 0.5, rel=0.03)  # of max(0, N(0, 0.2^2))


def test_a_seed_gives_the_same_noise_and_no_sigma_none():
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(clipped_noise(x, 0.2, seed=1), clipped_noise(x, 0.2, seed=1))
    assert not torch.equal(clipped_noise(x, 0.2, seed=1), clipped_noise(x, 0.2, seed=2))
    torch.manual_seed(5)
    first = clipped_noise(x, 0.2)
    assert not torch.equal(first, clipped_noise(x, 0.2))
    torch.manual_seed(5)
    assert torch.equal(first, clipped_noise(x, 0.2))
    assert torch.equal(clipped_noise(x, 0), x) and torch.isfinite(clipped_noise(x, 1.0, seed=0)).all()
    assert clipped_noise(x.double(), 0.1, seed=0).dtype == torch.float64


@pytest.mark.parametrize("sigma", [-0.1, 1.01, 50, float("nan"), float("inf"), "0.1", None, True])
def test_a_sigma_that_cannot_be_meant(sigma):
    said = pytest.raises(ValueError, clipped_noise, grey(0.5), sigma)
    assert said.match("sigma") and (sigma != 50 or "50/255" in str(said.value))


@pytest.mark.parametrize("x, message", [
    (grey(200.0), "by 255"), (grey(-0.5), "clamp"), (grey(float("nan")), "lie in"), (torch.rand(3, 8, 8), "batch"),
    (torch.rand(1, 1, 8, 8), "batch"), (torch.rand(0, 3, 8, 8), "batch"),
])
def test_pictures_that_cannot_be_meant(x, message):
    pytest.raises(ValueError, clipped_noise, x, 0.1).match(message)
    pytest.raises(TypeError, clipped_noise, torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 0.1).match("255")
