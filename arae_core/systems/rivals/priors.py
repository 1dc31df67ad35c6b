"""What images look like, said by hand: total variation and the alpha norm (Mahendran and Vedaldi 2015, section 3).

Both enter an optimisation of pixels as the regulariser R of A's Equation 1. Mahendran and Vedaldi *sum* over
an image scaled to unit length; here both are *means* over an image's pixels and channels, so that a weight
keeps its meaning at another size. Their published weights therefore do not carry over.
"""

import torch
from torch import Tensor


def total_variation(x: Tensor, beta: float = 2.0) -> Tensor:
    """TV_beta: the mean of (dx^2 + dy^2)^(beta / 2) over pixels and channels, one number an image.

    x: (B, C, H, W) of any range; dx and dy are the differences to the next pixel on the right and below, 0 at
    the last. beta: 2 spreads an edge out, 1 is the usual total variation; where both differences vanish its
    gradient is taken as 0. Returns (B,), 0 for an image of one colour. Raises ValueError for beta <= 0.
    """
    _positive("beta", beta)
    squares = torch.zeros_like(x)
    squares[..., :, :-1] += (x[..., :, 1:] - x[..., :, :-1]).square()
    squares[..., :-1, :] += (x[..., 1:, :] - x[..., :-1, :]).square()
    flat = squares == 0  # below beta = 2 the power has no finite slope there
    return torch.where(flat, 0, torch.where(flat, 1, squares) ** (beta / 2)).mean(dim=(1, 2, 3))


def alpha_norm(x: Tensor, alpha: float = 6.0) -> Tensor:
    """The mean of `|2x - 1|^alpha` over pixels and channels, one number an image: (B,).

    x: (B, C, H, W); [0, 1] is mapped to [-1, 1], so that mid-grey costs nothing, black and white cost 1, and
    with a large alpha what lies beyond them costs much more: a soft bound. (Mahendran and Vedaldi take the mean
    colour out instead.) Raises ValueError for alpha <= 0.
    """
    _positive("alpha", alpha)
    return (2 * x - 1).abs().pow(alpha).mean(dim=(1, 2, 3))


def _positive(name: str, exponent: float) -> None:
    if not 0 < exponent < float("inf"):
        raise ValueError(f"{name} must be a positive number, not {exponent!r}")
