"""The two sides of the adversarial game (A, Eq. 6 and 7).

A's discriminator ends in a sigmoid and its losses take the logarithm of the result; ours returns logits, and
binary cross-entropy on logits is the same number without the overflow (a test compares the two).
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

Reduction = Literal["sum", "mean"]


def generator_loss(fake_logits: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Eq. 6, non-saturating: minus log of the probability d gives x_hat of being real.

    fake_logits: (B, 1) or (B,), the discriminator's logits for x_hat, with gradient to the generator.
    Returns a scalar: the sum over the batch (A) or its mean.
    """
    return binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits), reduction=reduction)


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Eq. 7: images count as 1, reconstructions as 0, without label smoothing.

    real_logits, fake_logits: (B, 1) or (B,); give the discriminator `x_hat.detach()`, so that nothing reaches
    the generator. Returns the sum of the two cross-entropies (each summed over the batch, or its mean).
    Unweighted: A multiplies it by the same 100 as the generator's term, which Adam does not notice.
    """
    real = binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits), reduction=reduction)
    fake = binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits), reduction=reduction)
    return real + fake
