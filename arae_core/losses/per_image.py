"""Equation 8 of A: the inversion loss of each image by itself.

    L_i = w_pix |x_i - x_hat_i|_1 + w_feat ||f(x_hat_i) - f(x_i)||_2^2

The sum of a batch's losses has the gradient that each image would get alone, so images can be searched for
together. A's "sum" adds up channels and pixels. "mean" takes means, and the feature term relative to `scale`, a mean
square of the encoder's features that is the same for all images; else images with weak features would count more.
By default it is 1. With an image's own mean square it is what `inversion.inversion_loss` gives for a batch of one.
"""

from torch import Tensor

from .inversion import InversionWeights, same_shape


def per_image_loss(
    x_hat: Tensor,
    x: Tensor,
    z_hat: Tensor | None,
    z: Tensor | None,
    weights: InversionWeights,
    scale: float = 1.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss (B,) of each image, with gradient, and its unweighted terms (B,), detached.

    x_hat, x: (B, 3, H, W) in [0, 1]. z_hat, z: (B, …), the encoder's features of both; None where the feature
    weight is 0. scale: for the reduction "mean"; "sum" does without.

    Raises:
        ValueError: a scale that is not positive, an adversarial weight (Eq. 8 has no discriminator), shapes that
            differ, or features that are missing.
    """
    if weights.adversarial:
        raise ValueError("Equation 8 has no discriminator: the adversarial weight must be 0")
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale is a mean square of features, positive and finite, not {scale}")
    terms = {}
    if weights.pixel:
        same_shape("pixel", x_hat, x)
        terms["pixel"] = _reduced((x_hat - x).abs(), weights)
    if weights.feature:
        if z_hat is None or z is None:
            raise ValueError("the feature loss has a positive weight, but z_hat or z is None")
        same_shape("feature", z_hat, z)
        terms["feature"] = _reduced((z_hat - z).square(), weights)
        if weights.reduction == "mean":
            terms["feature"] = terms["feature"] / scale
    total = sum(getattr(weights, name) * term for name, term in terms.items())
    return total, {name: term.detach() for name, term in terms.items()}


def _reduced(values: Tensor, weights: InversionWeights) -> Tensor:
    flat = values.flatten(1)
    return flat.sum(1) if weights.reduction == "sum" else flat.mean(1)
