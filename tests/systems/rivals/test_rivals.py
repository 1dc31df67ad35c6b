"""Pictures optimised one by one, in batches, and the priors that pull them."""

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet
from arae_core.systems.rivals import PriorInversion, RobustInversion, optimise_images
from arae_core.systems.rivals.priors import alpha_norm, total_variation
from arae_core.training import TrainingDiverged
from tests.tiny import untouched

ROBUST = RobustInversion(step_size=0.2, iterations=12)
PRIOR = PriorInversion(step_size=5.0, iterations=12, tv_weight=0.1, alpha_weight=0.01)
METHODS = pytest.mark.parametrize("method", [ROBUST, PRIOR], ids=["robust", "prior"])


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return AlexNet(image_size=32, num_classes=4, width=0.1).double().eval()


def images(n=4, seed=0, size=32):
    return torch.rand(n, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class Identity(nn.Module):
    """Features that are the pixels, so that every step can be done by hand."""

    def features(self, x, layer):
        return x


@METHODS
def test_alone_or_in_a_batch(encoder, method):
    z, start = encoder.features(images(seed=1), "conv3").detach(), images()
    together = optimise_images(method, encoder, "conv3", z, start)
    for i in range(len(start)):
        alone = optimise_images(method, encoder, "conv3", z[i : i + 1], start[i : i + 1])
        torch.testing.assert_close(together.x[i : i + 1], alone.x, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(together.error_after[i : i + 1], alone.error_after, rtol=1e-9, atol=1e-11)


@METHODS
def test_features_come_closer_and_the_errors_are_the_ones_reported(encoder, method):
    z, start = encoder.features(images(seed=1), "conv1").detach(), images()
    encoder.train()
    with untouched(encoder):
        found = optimise_images(method, encoder, "conv1", z, start)
    assert torch.equal(start, images()) and encoder.eval()
    assert (found.error_after < 0.8 * found.error_before).all() and found.x.min() >= 0 and found.x.max() <= 1
    for x, error in ((start, found.error_before), (found.x, found.error_after)):
        z_hat = encoder.features(x, "conv1").detach()
        torch.testing.assert_close((z_hat - z).flatten(1).norm(dim=1) / z.flatten(1).norm(dim=1), error)


def test_a_robust_step_by_hand_and_the_best_iterate_is_kept():
    """Towards the target by exactly the step size; the error falls by it, relative to the target's length."""
    start, z = torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 0.9)
    found = optimise_images(RobustInversion(0.3, 1), Identity(), "", z, start)
    assert (found.x - start).norm().item() == pytest.approx(0.3)
    assert (found.error_before - found.error_after).item() == pytest.approx(0.3 / z.norm().item(), rel=1e-5)
    # A step far too long overshoots for ever; the start, or what was best on the way, is returned.
    found = optimise_images(RobustInversion(1.0, 3), Identity(), "", start + 1e-3, start)
    torch.testing.assert_close(found.x, start)


def test_prior_steps_by_hand():
    """Two steps of momentum on ||x - z||^2 / ||z||^2, whose gradient is 2 (x - z) / ||z||^2."""
    start, z = torch.full((1, 3, 2, 2), 0.2), torch.full((1, 3, 2, 2), 0.8)
    found = optimise_images(PriorInversion(0.5, 2, tv_weight=0.0, momentum=0.5), Identity(), "", z, start)
    slope = 2 / z.square().sum().item()
    first = -0.5 * slope * (0.2 - 0.8)
    second = 0.5 * first - 0.5 * slope * (0.2 + first - 0.8)
    torch.testing.assert_close(found.x, torch.full_like(start, 0.2 + first + second))


def test_the_prior_pulls():
    """With features matched already, total variation alone moves the picture, and smooths it."""
    z = start = images(2).float()
    weighted = PriorInversion(0.5, 20, tv_weight=100.0, momentum=0.0)
    smooth = optimise_images(weighted, Identity(), "", z, start).x
    assert (smooth.std(dim=(1, 2, 3)) < 0.7 * start.std(dim=(1, 2, 3))).all()


def test_nothing_to_descend_on_is_no_division_by_zero():
    """A start whose features are the target's, and a target without length."""
    x = images(2).float()
    for z in (x, torch.zeros_like(x)):
        for method in (ROBUST, PriorInversion(0.01, 5, tv_weight=0.1, alpha_weight=0.01)):
            found = optimise_images(method, Identity(), "", z, z.clone())
            assert torch.isfinite(found.x).all() and torch.isfinite(found.error_after).all()
    torch.testing.assert_close(optimise_images(ROBUST, Identity(), "", x, x.clone()).x, x)


def test_only_what_diverges_takes_smaller_steps(encoder):
    """A target of tiny features makes the relative error steep for one image; its mates do not notice."""
    z, start = encoder.features(images(3, seed=1), "conv3").detach(), images(3)
    z[1] *= 1e-3
    pytest.raises(TrainingDiverged, optimise_images, PRIOR, encoder, "conv3", z, start).match("1 of 3 images")
    together = optimise_images(PRIOR, encoder, "conv3", z, start, halvings=30)
    assert (together.error_after <= together.error_before).all()
    for i in range(3):
        alone = optimise_images(PRIOR, encoder, "conv3", z[i : i + 1], start[i : i + 1], halvings=30)
        torch.testing.assert_close(together.x[i : i + 1], alone.x, rtol=1e-9, atol=1e-11)
    untouched = optimise_images(PRIOR, encoder, "conv3", z[:1], start[:1])
    torch.testing.assert_close(together.x[:1], untouched.x, rtol=1e-9, atol=1e-11)


def test_divergence_is_said_and_what_does_not_fit_is_refused():
    (x, start), wild = (images(2, seed).float() for seed in (0, 1)), PriorInversion(1e30, 20, tv_weight=1.0)
    pytest.raises(TrainingDiverged, optimise_images, wild, Identity(), "", x, start).match("smaller step")
    still, two = RobustInversion(0.1, 0), images(2)
    pytest.raises(ValueError, optimise_images, ROBUST, Identity(), "", two, images(3)).match("3 starts for 2")
    pytest.raises(ValueError, optimise_images, still, Identity(), "", two, two).match("0 iterations")


def test_priors_by_hand():
    """A step of height 0.5 along one column: 4 of the 16 pixels see it. A corner counts both directions at once."""
    x = torch.zeros(1, 3, 4, 4)
    x[..., 2:] = 0.5
    for beta in (1.0, 2.0, 3.0):
        for image in (x, x.transpose(2, 3)):
            assert total_variation(image, beta).item() == pytest.approx(0.5**beta * 4 / 16)
    x = torch.zeros(1, 1, 2, 2)
    x[..., 0, 0] = 1.0  # to the right and below: sqrt(2) for beta = 1, 2 for beta = 2
    assert total_variation(x, 1.0).item() == pytest.approx(2**0.5 / 4)
    assert total_variation(x, 2.0).item() == pytest.approx(2 / 4)
    x = torch.tensor([0.5, 1.0, 0.0, 1.5]).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    assert alpha_norm(x, 6.0).tolist() == [0, 1, 1, 64]
    assert alpha_norm(x, 1.0).tolist() == [0, 1, 1, 2]


def test_one_colour_costs_nothing_and_has_no_slope_and_exponents_are_positive():
    for beta in (1.0, 1.5, 2.0):
        x = torch.full((2, 3, 5, 5), 0.3, requires_grad=True)
        total_variation(x, beta).sum().backward()
        assert total_variation(x, beta).tolist() == [0, 0] and x.grad.abs().max() == 0
    for prior in (total_variation, alpha_norm):
        for exponent in (0, -1.0, float("inf"), float("nan")):
            pytest.raises(ValueError, prior, x, exponent).match("positive")


@pytest.mark.parametrize("prior", [lambda x: total_variation(x, 1.5), total_variation, alpha_norm])
def test_gradients_are_those_of_finite_differences_and_each_image_has_its_own_number(prior):
    assert torch.autograd.gradcheck(prior, images(2, size=4).requires_grad_())
    x = images(3, size=7)
    torch.testing.assert_close(prior(x), torch.cat([prior(x[i : i + 1]) for i in range(3)]), rtol=1e-12, atol=0)


def test_means_do_not_grow_with_the_picture():
    """Tiled along both axes an image repeats its inner differences; its mean hardly changes, its sum quadruples."""
    x = images(1, size=64)
    tiled = x.tile(1, 1, 2, 2)
    assert alpha_norm(tiled).item() == pytest.approx(alpha_norm(x).item())
    assert total_variation(tiled).item() == pytest.approx(total_variation(x).item(), rel=0.02)
