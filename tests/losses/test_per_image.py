"""Equation 8 image by image: against the batch's loss, against numbers by hand, and what is refused."""

import pytest
import torch

from arae_core.losses import InversionWeights, inversion_loss, per_image_loss


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    x, x_hat = torch.rand(2, 3, 3, 8, 8, generator=generator)
    z, z_hat = torch.randn(2, 3, 5, 2, 2, generator=generator)
    return x_hat, x, z_hat, z


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_each_image_gets_what_it_would_get_alone(images, reduction):
    weights = InversionWeights(0.7, 0.3, 0.0, reduction)
    for i in range(3):
        scale = images[3][i].square().mean().item()
        losses, terms = per_image_loss(*images, weights, scale)
        alone, its = inversion_loss(*(part[i:i + 1] for part in images), None, weights)
        assert losses[i].item() == pytest.approx(alone.item(), rel=1e-5)
        assert {name: term[i].item() for name, term in terms.items()} == pytest.approx(
            {name: term.item() for name, term in its.items()}, rel=1e-5)


def test_by_hand():
    x, x_hat = torch.zeros(2, 1, 1, 2), torch.tensor([[0.5, 0.25], [0.0, 1.0]]).view(2, 1, 1, 2)
    z, z_hat = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    losses, _ = per_image_loss(x_hat, x, z_hat, z, InversionWeights(1.0, 0.01, 0.0, "sum"))
    assert losses.tolist() == pytest.approx([0.75 + 0.04, 1.0])
    losses, terms = per_image_loss(x_hat, x, z_hat, z, InversionWeights(1.0, 0.1, 0.0, "mean"), scale=4.0)
    assert losses.tolist() == pytest.approx([0.375 + 0.1 * 0.5, 0.5]) and terms["feature"].tolist() == [0.5, 0.0]


def test_images_do_not_mix(images):
    x_hat, x, z_hat, z = images
    x_hat = x_hat.clone().requires_grad_()
    losses, _ = per_image_loss(x_hat, x, z_hat, z, InversionWeights(1.0, 0.1, 0.0, "mean"))
    (gradient,) = torch.autograd.grad(losses[1], x_hat)
    assert gradient[1].abs().min() > 0 and not gradient[[0, 2]].any()


def test_refused(images):
    x_hat, x, z_hat, z = images
    with pytest.raises(ValueError, match="no discriminator"):
        per_image_loss(x_hat, x, z_hat, z, InversionWeights.paper())
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="scale"):
            per_image_loss(x_hat, x, z_hat, z, InversionWeights(1.0, 0.1, 0.0, "mean"), scale)
    with pytest.raises(ValueError, match="None"):
        per_image_loss(x_hat, x, None, None, InversionWeights(1.0, 0.1, 0.0, "mean"))
    with pytest.raises(ValueError, match="pixel loss between"):
        per_image_loss(x_hat[:1], x, z_hat, z, InversionWeights(1.0, 0.1, 0.0, "mean"))
