"""Pixel, feature and adversarial losses, their sum (Equation 8), and that sum image by image."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from arae_core import losses


def two(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(*shape, dtype=torch.float64, generator=generator) for _ in range(2)]


def test_values_by_hand():
    x, x_hat = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.25)
    assert losses.pixel_loss(x_hat, x, "sum").item() == 6.0
    assert losses.pixel_loss(x_hat, x, "mean").item() == 0.25
    z, z_hat = torch.full((2, 4), 2.0), torch.full((2, 4), 3.0)
    assert losses.feature_loss(z_hat, z, "sum").item() == 8.0
    assert losses.feature_loss(z_hat, z, "mean").item() == 0.25  # 1 squared over 2 squared


def test_four_times_the_pixels_quadruple_the_sum_and_leave_the_mean():
    for loss in (losses.pixel_loss, losses.feature_loss):
        x_hat, x = two(2, 3, 8, 8)
        large = x_hat.tile(1, 1, 2, 2), x.tile(1, 1, 2, 2)
        torch.testing.assert_close(loss(*large, "sum"), 4 * loss(x_hat, x, "sum"), rtol=1e-12, atol=0)
        torch.testing.assert_close(loss(*large, "mean"), loss(x_hat, x, "mean"), rtol=1e-12, atol=0)


def test_relative_feature_loss_ignores_the_scale_of_the_encoder():
    z_hat, z = two(2, 5, 3, 3)
    expected = losses.feature_loss(z_hat, z, "mean")
    torch.testing.assert_close(losses.feature_loss(70 * z_hat, 70 * z, "mean"), expected, rtol=1e-12, atol=0)
    assert losses.feature_loss(torch.zeros_like(z), z, "mean").item() == pytest.approx(1.0, abs=1e-6)
    dead = torch.zeros(2, 4)
    assert losses.feature_loss(dead, dead, "mean").item() == 0.0


def test_total_is_the_weighted_sum_and_parts_are_unweighted():
    x_hat, x = two(2, 3, 4, 4)
    z_hat, z = two(2, 7, seed=1)
    logits = torch.tensor([[0.3], [-1.2]], dtype=torch.float64)
    for weights in (losses.InversionWeights.paper(), losses.InversionWeights.per_element()):
        total, parts = losses.inversion_loss(x_hat, x, z_hat, z, logits, weights)
        r = weights.reduction
        expected = weights.pixel * losses.pixel_loss(x_hat, x, r) + weights.feature * losses.feature_loss(z_hat, z, r)
        expected = expected + weights.adversarial * losses.generator_loss(logits, r)
        torch.testing.assert_close(total, expected, rtol=1e-12, atol=0)
        assert list(parts) == ["pixel", "feature", "adversarial"]
        assert parts["adversarial"] == losses.generator_loss(logits, r)


def test_a_term_of_weight_zero_needs_nothing_and_one_of_positive_weight_says_what_it_misses():
    x_hat, x = two(1, 3, 4, 4)
    pixels = replace(losses.InversionWeights.per_element(), feature=0, adversarial=0)
    total, parts = losses.inversion_loss(x_hat, x, None, None, None, pixels)
    assert total == losses.pixel_loss(x_hat, x, "mean") and list(parts) == ["pixel"]
    paper = losses.InversionWeights.paper()
    pytest.raises(ValueError, losses.inversion_loss, x_hat, x, None, None, None, paper).match("z_hat")
    pytest.raises(ValueError, losses.inversion_loss, x_hat, x, x_hat, x, None, paper).match("fake_logits")


def test_gradients_against_finite_differences():
    x_hat, x = two(2, 3, 3, 3)
    z_hat, z = two(2, 6, seed=1)
    logits, real = torch.tensor([[[0.3], [-1.2]], [[0.1], [2.0]]], dtype=torch.float64)
    leaves = [t.requires_grad_() for t in (x_hat, z_hat, logits)]
    for weights in (replace(losses.InversionWeights.paper(), pixel=1.0), losses.InversionWeights.per_element()):
        assert torch.autograd.gradcheck(lambda a, b, c: losses.inversion_loss(a, x, b, z, c, weights)[0], leaves)
        judged = (real.requires_grad_(), logits)
        assert torch.autograd.gradcheck(lambda r, f: losses.discriminator_loss(r, f, weights.reduction), judged)


def test_weights_and_shapes_that_cannot_be_meant():
    paper = losses.InversionWeights.paper()
    assert (paper.pixel, paper.feature, paper.adversarial, paper.reduction) == (2e-6, 0.01, 100, "sum")
    assert losses.InversionWeights.per_element().reduction == "mean"
    with pytest.raises(FrozenInstanceError):
        paper.pixel = 1
    bad = {"pixel": -1, "feature": float("nan"), "adversarial": float("inf"), "reduction": "none"}
    for name, value in bad.items():
        pytest.raises(ValueError, replace, paper, **{name: value}).match(name)
    pytest.raises(TypeError, replace, paper, pixel="1").match("number")
    pytest.raises(ValueError, losses.InversionWeights, 0, 0, 0, "mean").match("nothing")
    with pytest.raises(TypeError):
        losses.InversionWeights(1, 1, 1)  # the reduction is never implied
    several, one = torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4)  # different shapes are not broadcast
    pytest.raises(ValueError, losses.pixel_loss, several, one).match("different shapes")
    pytest.raises(ValueError, losses.feature_loss, torch.zeros(2, 5), torch.zeros(2, 1)).match("different shapes")


def test_equal_to_sigmoid_then_cross_entropy():
    real, fake = (6 * logits - 3 for logits in two(6, 1))
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    for reduction in ("sum", "mean"):
        fooled, right, wrong = (binary_cross_entropy(logits.sigmoid(), said, reduction=reduction)
                                for logits, said in ((fake, ones), (real, ones), (fake, zeros)))
        torch.testing.assert_close(losses.generator_loss(fake, reduction), fooled, rtol=1e-12, atol=0)
        both = losses.discriminator_loss(real, fake, reduction)
        torch.testing.assert_close(both, right + wrong, rtol=1e-12, atol=0)


def test_an_undecided_discriminator_pays_two_log_two_an_image_and_a_sure_one_leaves_a_gradient():
    fake = torch.tensor([[-30.0]], requires_grad=True)
    losses.generator_loss(fake).backward()
    assert abs(fake.grad.item() + 1) < 1e-6  # log(1 - d) would give a gradient of about 1e-13 here
    zero = torch.zeros(5, 1)
    assert abs(losses.discriminator_loss(zero, zero, "sum").item() - 10 * torch.tensor(2.0).log().item()) < 1e-5


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    x, x_hat = torch.rand(2, 3, 3, 8, 8, generator=generator)
    z, z_hat = torch.randn(2, 3, 5, 2, 2, generator=generator)
    return x_hat, x, z_hat, z


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_each_image_gets_what_it_would_get_alone(images, reduction):
    weights = losses.InversionWeights(0.7, 0.3, 0.0, reduction)
    for i in range(3):
        scale = images[3][i].square().mean().item()
        each, terms = losses.per_image_loss(*images, weights, scale)
        alone, its = losses.inversion_loss(*(part[i:i + 1] for part in images), None, weights)
        assert each[i].item() == pytest.approx(alone.item(), rel=1e-5)
        assert {name: term[i].item() for name, term in terms.items()} == pytest.approx(
            {name: term.item() for name, term in its.items()}, rel=1e-5)


def test_per_image_by_hand():
    x, x_hat = torch.zeros(2, 1, 1, 2), torch.tensor([[0.5, 0.25], [0.0, 1.0]]).view(2, 1, 1, 2)
    z, z_hat = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    each, _ = losses.per_image_loss(x_hat, x, z_hat, z, losses.InversionWeights(1.0, 0.01, 0.0, "sum"))
    assert each.tolist() == pytest.approx([0.75 + 0.04, 1.0])
    each, terms = losses.per_image_loss(x_hat, x, z_hat, z, losses.InversionWeights(1.0, 0.1, 0.0, "mean"), scale=4.0)
    assert each.tolist() == pytest.approx([0.375 + 0.05, 0.5]) and terms["feature"].tolist() == [0.5, 0.0]


def test_images_do_not_mix(images):
    x_hat, x, z_hat, z = images
    x_hat = x_hat.clone().requires_grad_()
    each, _ = losses.per_image_loss(x_hat, x, z_hat, z, losses.InversionWeights(1.0, 0.1, 0.0, "mean"))
    (gradient,) = torch.autograd.grad(each[1], x_hat)
    assert gradient[1].abs().min() > 0 and not gradient[[0, 2]].any()


def test_per_image_refuses(images):
    x_hat, x, z_hat, z = images
    weights, paper = losses.InversionWeights(1.0, 0.1, 0.0, "mean"), losses.InversionWeights.paper()
    pytest.raises(ValueError, losses.per_image_loss, x_hat, x, z_hat, z, paper).match("no discriminator")
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        pytest.raises(ValueError, losses.per_image_loss, x_hat, x, z_hat, z, weights, scale).match("scale")
    pytest.raises(ValueError, losses.per_image_loss, x_hat, x, None, None, weights).match("None")
    pytest.raises(ValueError, losses.per_image_loss, x_hat[:1], x, z_hat, z, weights).match("pixel loss between")
