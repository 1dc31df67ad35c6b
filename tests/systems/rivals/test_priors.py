import pytest
import torch

from arae_core.systems.rivals import alpha_norm, total_variation


def noise(n=3, size=7, seed=0):
    return torch.rand(n, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("beta, expected", [(1.0, 0.5), (2.0, 0.25), (3.0, 0.125)])
def test_an_edge_by_hand(beta, expected):
    """A step of height 0.5 along one column: 4 of the 16 pixels see it."""
    x = torch.zeros(1, 3, 4, 4)
    x[..., 2:] = 0.5
    for image in (x, x.transpose(2, 3)):
        assert total_variation(image, beta).item() == pytest.approx(expected * 4 / 16)


def test_a_corner_counts_both_directions_at_once():
    x = torch.zeros(1, 1, 2, 2)
    x[..., 0, 0] = 1.0  # to the right and below: sqrt(2) for beta = 1, 2 for beta = 2
    assert total_variation(x, 1.0).item() == pytest.approx(2**0.5 / 4)
    assert total_variation(x, 2.0).item() == pytest.approx(2 / 4)


def test_one_colour_costs_nothing_and_has_no_slope():
    for beta in (1.0, 1.5, 2.0):
        x = torch.full((2, 3, 5, 5), 0.3, requires_grad=True)
        total_variation(x, beta).sum().backward()
        assert total_variation(x, beta).tolist() == [0, 0] and x.grad.abs().max() == 0


def test_alpha_norm_by_hand():
    x = torch.tensor([0.5, 1.0, 0.0, 1.5]).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    assert alpha_norm(x, 6.0).tolist() == [0, 1, 1, 64]
    assert alpha_norm(x, 1.0).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("prior", [lambda x: total_variation(x, 1.5), total_variation, alpha_norm])
def test_gradients_are_those_of_finite_differences(prior):
    assert torch.autograd.gradcheck(prior, noise(2, 4).requires_grad_())


@pytest.mark.parametrize("prior", [total_variation, alpha_norm])
def test_each_image_has_its_own_number(prior):
    x = noise()
    one_by_one = torch.cat([prior(x[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(prior(x), one_by_one, rtol=1e-12, atol=0)


def test_means_do_not_grow_with_the_picture():
    """Tiled along both axes an image repeats its inner differences; its mean hardly changes, its sum quadruples."""
    x = noise(1, 64)
    tiled = x.tile(1, 1, 2, 2)
    assert alpha_norm(tiled).item() == pytest.approx(alpha_norm(x).item())
    assert total_variation(tiled).item() == pytest.approx(total_variation(x).item(), rel=0.02)


def test_exponents_are_positive():
    for prior in (total_variation, alpha_norm):
        for exponent in (0, -1.0, float("inf"), float("nan")):
            pytest.raises(ValueError, prior, noise(), exponent).match("positive")
