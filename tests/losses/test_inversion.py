from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from arae_core.losses import InversionWeights, feature_loss, generator_loss, inversion_loss, pixel_loss


def pair(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(*shape, dtype=torch.float64, generator=generator) for _ in range(2)]


def test_values_by_hand():
    x, x_hat = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.25)
    assert pixel_loss(x_hat, x, "sum").item() == 6.0
    assert pixel_loss(x_hat, x, "mean").item() == 0.25
    z, z_hat = torch.full((2, 4), 2.0), torch.full((2, 4), 3.0)
    assert feature_loss(z_hat, z, "sum").item() == 8.0
    assert feature_loss(z_hat, z, "mean").item() == 0.25  # 1 squared over 2 squared


def test_four_times_the_pixels_quadruple_the_sum_and_leave_the_mean():
    for loss in (pixel_loss, feature_loss):
        x_hat, x = pair(2, 3, 8, 8)
        large = x_hat.tile(1, 1, 2, 2), x.tile(1, 1, 2, 2)
        torch.testing.assert_close(loss(*large, "sum"), 4 * loss(x_hat, x, "sum"), rtol=1e-12, atol=0)
        torch.testing.assert_close(loss(*large, "mean"), loss(x_hat, x, "mean"), rtol=1e-12, atol=0)


def test_relative_feature_loss_ignores_the_scale_of_the_encoder():
    z_hat, z = pair(2, 5, 3, 3)
    expected = feature_loss(z_hat, z, "mean")
    torch.testing.assert_close(feature_loss(70 * z_hat, 70 * z, "mean"), expected, rtol=1e-12, atol=0)
    assert feature_loss(torch.zeros_like(z), z, "mean").item() == pytest.approx(1.0, abs=1e-6)
    dead = torch.zeros(2, 4)
    assert feature_loss(dead, dead, "mean").item() == 0.0


def test_total_is_the_weighted_sum_and_parts_are_unweighted():
    x_hat, x = pair(2, 3, 4, 4)
    z_hat, z = pair(2, 7, seed=1)
    logits = torch.tensor([[0.3], [-1.2]], dtype=torch.float64)
    for weights in (InversionWeights.paper(), InversionWeights.per_element()):
        total, parts = inversion_loss(x_hat, x, z_hat, z, logits, weights)
        r = weights.reduction
        expected = weights.pixel * pixel_loss(x_hat, x, r) + weights.feature * feature_loss(z_hat, z, r)
        expected = expected + weights.adversarial * generator_loss(logits, r)
        torch.testing.assert_close(total, expected, rtol=1e-12, atol=0)
        assert list(parts) == ["pixel", "feature", "adversarial"]
        assert parts["adversarial"] == generator_loss(logits, r)


def test_a_term_of_weight_zero_needs_nothing_and_one_of_positive_weight_says_what_it_misses():
    x_hat, x = pair(1, 3, 4, 4)
    pixels = replace(InversionWeights.per_element(), feature=0, adversarial=0)
    total, parts = inversion_loss(x_hat, x, None, None, None, pixels)
    assert total == pixel_loss(x_hat, x, "mean") and list(parts) == ["pixel"]
    with pytest.raises(ValueError, match="z_hat"):
        inversion_loss(x_hat, x, None, None, None, InversionWeights.paper())
    with pytest.raises(ValueError, match="fake_logits"):
        inversion_loss(x_hat, x, x_hat, x, None, InversionWeights.paper())


def test_gradients_against_finite_differences():
    x_hat, x = pair(2, 3, 3, 3)
    z_hat, z = pair(2, 6, seed=1)
    logits = torch.tensor([[0.3], [-1.2]], dtype=torch.float64)
    leaves = [t.requires_grad_() for t in (x_hat, z_hat, logits)]
    for weights in (replace(InversionWeights.paper(), pixel=1.0), InversionWeights.per_element()):
        assert torch.autograd.gradcheck(
            lambda x_hat, z_hat, logits: inversion_loss(x_hat, x, z_hat, z, logits, weights)[0], leaves
        )


def test_weights():
    paper = InversionWeights.paper()
    assert (paper.pixel, paper.feature, paper.adversarial, paper.reduction) == (2e-6, 0.01, 100, "sum")
    assert InversionWeights.per_element().reduction == "mean"
    with pytest.raises(FrozenInstanceError):
        paper.pixel = 1
    bad = {"pixel": -1, "feature": float("nan"), "adversarial": float("inf"), "reduction": "none"}
    for name, value in bad.items():
        pytest.raises(ValueError, replace, paper, **{name: value}).match(name)
    pytest.raises(TypeError, replace, paper, pixel="1").match("number")
    pytest.raises(ValueError, InversionWeights, 0, 0, 0, "mean").match("nothing")
    with pytest.raises(TypeError):
        InversionWeights(1, 1, 1)  # the reduction is never implied


def test_different_shapes_are_not_broadcast():
    with pytest.raises(ValueError, match="different shapes"):
        pixel_loss(torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4))
    pytest.raises(ValueError, feature_loss, torch.zeros(2, 5), torch.zeros(2, 1)).match("different shapes")
