"""The Gram loss: how far two pictures are apart in style (Gatys et al. 2016, as A's Table 8 measures it).

A layer's Gram matrix holds the inner products of its channels over all places, so it knows which features occur
together and not where. A's code compares the channels' means beside it, and so does this:

    sum over layers of  mean (m' - m)^2 + mean (G' - G)^2,     G = z z^T / (C h w)

That is for VGG-19. In a network whose layers differ more in size, one layer or one of the two terms can be all of the
sum; for such judges there is a relative form, the mean over layers and terms of ||a - b||^2 / (||a||^2 + ||b||^2).
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def gram_matrix(z: Tensor) -> Tensor:
    """G (B, C, C) of features z (B, C, h, w): z z^T over the places, divided by C h w.

    Raises ValueError for a tensor of another shape.
    """
    if z.dim() != 4 or 0 in z.shape:
        raise ValueError(f"features are (B, C, h, w), not {tuple(z.shape)}")
    points = z.flatten(2)
    return points @ points.transpose(1, 2) / points[0].numel()


def gram_loss(z_hat: Sequence[Tensor], z: Sequence[Tensor], *, relative: bool = False) -> Tensor:
    """The loss of each picture, (B,), 0 where mean and Gram matrix agree at every layer.

    Args:
        z_hat, z: a map of features (B, C, h, w) for each layer, z the style's; h and w may differ between the two.
        relative: the form that knows no scale: from 0 to 1 (pictures without a feature in common) where features follow
            a ReLU.

    Raises:
        ValueError: no layers, or not the same layers on both sides.
    """
    if not z or len(z_hat) != len(z) or any(a.shape[1] != b.shape[1] for a, b in zip(z_hat, z)):
        raise ValueError("the Gram loss compares the same layers of two pictures, at least one")
    total = torch.zeros((), device=z[0].device)
    for a, b in zip(z_hat, z):
        for its, style in ((a.mean(dim=(2, 3)), b.mean(dim=(2, 3))), (gram_matrix(a), gram_matrix(b))):
            error = (its - style).square().flatten(1).mean(dim=1)
            size = (its.square() + style.square()).flatten(1).mean(dim=1)
            total = total + (error / torch.where(size > 0, size, 1) / (2 * len(z)) if relative else error)
    return total
