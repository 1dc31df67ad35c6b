"""The Gram loss: how far two pictures are apart in style (Gatys et al. 2016, as A's Table 8 measures it).

A layer's Gram matrix holds the inner products of its channels over all places, so it knows which features occur
together and not where. A's code compares the channels' means beside it, and so does this:

    sum over layers of  mean (m' - m)^2 + mean (G' - G)^2,     G = z z^T / (C h w)
"""

from __future__ import annotations

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


def gram_loss(z_hat: Sequence[Tensor], z: Sequence[Tensor]) -> Tensor:
    """The loss of each picture, (B,), 0 where mean and Gram matrix agree at every layer.

    z_hat, z: a map of features (B, C, h, w) for each layer; h and w may differ between the two.

    Raises:
        ValueError: no layers, or not the same layers on both sides.
    """
    if not z or len(z_hat) != len(z) or any(a.shape[1] != b.shape[1] for a, b in zip(z_hat, z)):
        raise ValueError("the Gram loss compares the same layers of two pictures, at least one")
    total = torch.zeros((), device=z[0].device)
    for a, b in zip(z_hat, z):
        total = total + (a.mean(dim=(2, 3)) - b.mean(dim=(2, 3))).square().mean(dim=1)
        total = total + (gram_matrix(a) - gram_matrix(b)).square().mean(dim=(1, 2))
    return total
