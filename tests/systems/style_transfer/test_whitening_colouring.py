"""After whitening the covariance is I, after colouring it is the style's; rank-deficient features stay finite."""

import pytest
import torch

from arae_core.systems.style_transfer.whitening_colouring import colour, moments, whiten


def features(channels=6, h=9, w=7, seed=0):
    """Correlated channels, as a network's are, not negative."""
    rng = torch.Generator().manual_seed(seed)
    mix = torch.eye(channels, dtype=torch.float64) + torch.rand(channels, channels, generator=rng, dtype=torch.float64)
    points = torch.rand(channels, h * w, generator=rng, dtype=torch.float64)
    return (mix @ points).view(1, channels, h, w)


def covariance(z):
    return torch.cov(z.flatten(2)[0].double())


def test_moments_are_mean_and_covariance_of_what_is_a_map_of_features():
    z = features()
    found = moments(z)
    assert found.rank == 6 and moments(torch.rand(1, 4, 1, 1)).rank == 0
    torch.testing.assert_close(found.mean[:, 0], z.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(found.power(1.0), covariance(z))
    torch.testing.assert_close(found.power(0.5) @ found.power(0.5), covariance(z))
    pytest.raises(ValueError, moments, torch.rand(2, 4, 3, 3)).match("one picture")
    pytest.raises(ValueError, moments, torch.full((1, 4, 3, 3), torch.nan)).match("NaN")
    pytest.raises(ValueError, colour, z, moments(features(channels=5))).match("same layer")


def test_whitened_has_no_moments_left_and_coloured_those_of_the_style():
    z, style = features(seed=1), features(h=4, w=20, seed=2)
    w = whiten(z, moments(z))
    assert w.shape == z.shape and w.mean(dim=(2, 3)).abs().max() < 1e-12
    torch.testing.assert_close(covariance(w), torch.eye(6, dtype=torch.float64))
    v = colour(w, moments(style))
    torch.testing.assert_close(covariance(v), covariance(style))
    torch.testing.assert_close(v.mean(dim=(2, 3)), style.mean(dim=(2, 3)))
    torch.testing.assert_close(colour(w, moments(z)), z)


def test_more_channels_than_places():
    """Twelve places span eleven directions around their mean; nothing blows up in the other nine."""
    z = features(channels=20, h=3, w=4)
    its = moments(z.float())
    assert its.rank <= 11
    w = whiten(z.float(), its)
    eigenvalues = torch.linalg.eigvalsh(covariance(w))
    assert torch.all(((eigenvalues - 1).abs() < 1e-4) | (eigenvalues.abs() < 1e-4)) and w.abs().max() < 10
    torch.testing.assert_close(colour(w, its), z, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.3, 1e4])
def test_constant_features_have_rank_nought(value):
    flat = torch.full((1, 6, 5, 5), value)
    assert moments(flat).rank == 0
    z = features().float()
    painted = colour(whiten(z, moments(z)), moments(flat))
    torch.testing.assert_close(painted, torch.full_like(painted, value), rtol=1e-5, atol=1e-7)
    assert whiten(flat, moments(flat)).abs().max() == 0
