"""What a generator is trained on to invert an encoder (A, Eq. 3 to 5): pixels, features, a discriminator.

A *sums* every term over batch, channels and pixels, so its weights (2e-6, 0.01, 100) belong to batches
of 128 images of 224 x 224 and mean something else at any other size. For other sizes the terms here can
be *means* instead. Weights and reduction only make sense together, so `InversionWeights` holds both.
"""

from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from .adversarial import Reduction, generator_loss


@dataclass(frozen=True)
class InversionWeights:
    """Weights of the three terms, and the reduction they were chosen for; a term of weight 0 is left out.

    Raises ValueError for a negative or non-finite weight, an unknown reduction, or when all are 0.
    """

    pixel: float
    feature: float
    adversarial: float
    reduction: Reduction

    def __post_init__(self):
        for name in ("pixel", "feature", "adversarial"):
            weight = getattr(self, name)
            if not isfinite(weight) or weight < 0:
                raise ValueError(f"the weight of the {name} loss must be finite and not negative: {weight}")
        if self.reduction not in ("sum", "mean"):
            raise ValueError(f'reduction must be "sum" or "mean", not {self.reduction!r}')
        if self.pixel == self.feature == self.adversarial == 0:
            raise ValueError("all three weights are 0: nothing is left to train on")

    @classmethod
    def paper(cls) -> "InversionWeights":
        """A's own, from its code: sums, for batches of 128 images of 224 x 224."""
        return cls(pixel=2e-6, feature=0.01, adversarial=100.0, reduction="sum")

    @classmethod
    def per_element(cls) -> "InversionWeights":
        """Ours, for any size of batch and image: means, the feature term relative to the features."""
        return cls(pixel=1.0, feature=0.1, adversarial=0.003, reduction="mean")


def pixel_loss(x_hat: Tensor, x: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Eq. 4: the l1 distance between reconstruction and image, both (B, 3, H, W) in [0,1].

    "sum" adds up batch, channels and pixels; "mean" is the mean absolute error of a pixel's channel.
    """
    same_shape("pixel", x_hat, x)
    return l1_loss(x_hat, x, reduction=reduction)


def feature_loss(z_hat: Tensor, z: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Eq. 5: the squared l2 distance between z_hat = f(x_hat) and z = f(x), any equal shapes (B, …).

    "sum" is the plain sum. "mean" is *relative*: the mean square of z_hat - z over the mean square of z
    (a constant, without gradient). 1 is what all-zero features would get, whatever the scale of an
    encoder's features: so standard and robust encoders, whose scales differ, can share one weight.
    """
    same_shape("feature", z_hat, z)
    distance = mse_loss(z_hat, z, reduction=reduction)
    if reduction == "sum":
        return distance
    scale = mse_loss(z.detach(), torch.zeros_like(z))
    return distance / scale.clamp_min(1e-12)  # dead features must not divide by zero


def inversion_loss(
    x_hat: Tensor,
    x: Tensor,
    z_hat: Tensor | None,
    z: Tensor | None,
    fake_logits: Tensor | None,
    weights: InversionWeights,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. 3: the weighted sum of the pixel, feature and adversarial terms.

    x_hat, x: (B, 3, H, W) in [0,1]. z_hat, z: the encoder's features of both; fake_logits: (B, 1), the
    discriminator's verdict on x_hat. What belongs to a term of weight 0 may be None.
    Returns the total (a scalar to call `backward` on) and the *unweighted* terms in use, detached, for
    the training history. Raises ValueError if a term of positive weight lacks its input.
    """
    terms = {}
    if weights.pixel:
        terms["pixel"] = pixel_loss(x_hat, x, weights.reduction)
    if weights.feature:
        if z_hat is None or z is None:
            raise ValueError("the feature loss has a positive weight, but z_hat or z is None")
        terms["feature"] = feature_loss(z_hat, z, weights.reduction)
    if weights.adversarial:
        if fake_logits is None:
            raise ValueError("the adversarial loss has a positive weight, but fake_logits is None")
        terms["adversarial"] = generator_loss(fake_logits, weights.reduction)
    total = sum(getattr(weights, name) * term for name, term in terms.items())
    return total, {name: term.detach() for name, term in terms.items()}


def same_shape(term: str, a: Tensor, b: Tensor) -> None:
    """ValueError unless the two have one shape."""
    if a.shape != b.shape:  # broadcasting would silently compare the wrong things
        raise ValueError(f"{term} loss between different shapes: {tuple(a.shape)} and {tuple(b.shape)}")
