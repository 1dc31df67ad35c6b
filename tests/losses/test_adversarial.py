import torch
from torch.nn.functional import binary_cross_entropy

from arae_core.losses import discriminator_loss, generator_loss


def logits(seed, n=6):
    return torch.randn(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_equal_to_sigmoid_then_cross_entropy():
    real, fake = logits(0), logits(1)
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    for reduction in ("sum", "mean"):
        expected = binary_cross_entropy(fake.sigmoid(), ones, reduction=reduction)
        torch.testing.assert_close(generator_loss(fake, reduction), expected, rtol=1e-12, atol=0)
        expected = binary_cross_entropy(real.sigmoid(), ones, reduction=reduction)
        expected = expected + binary_cross_entropy(fake.sigmoid(), zeros, reduction=reduction)
        torch.testing.assert_close(discriminator_loss(real, fake, reduction), expected, rtol=1e-12, atol=0)


def test_generator_does_not_saturate_where_the_discriminator_is_sure():
    fake = torch.tensor([[-30.0]], requires_grad=True)
    generator_loss(fake).backward()
    assert abs(fake.grad.item() + 1) < 1e-6  # log(1 - d) would give a gradient of about 1e-13 here


def test_undecided_discriminator_pays_two_log_two_an_image():
    zero = torch.zeros(5, 1)
    assert abs(discriminator_loss(zero, zero, "sum").item() - 10 * torch.tensor(2.0).log().item()) < 1e-5


def test_gradients_against_finite_differences():
    real, fake = logits(0).requires_grad_(), logits(1).requires_grad_()
    for reduction in ("sum", "mean"):
        assert torch.autograd.gradcheck(lambda r, f: discriminator_loss(r, f, reduction), (real, fake))
        assert torch.autograd.gradcheck(lambda f: generator_loss(f, reduction), (fake,))
