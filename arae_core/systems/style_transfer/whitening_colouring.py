"""Whitening and colouring: give the features of one picture the mean and covariance of another's (Li et al. 2017).

Features z of C channels at n places are n points in R^C with mean m and covariance S = U diag(l) U^T. Then

    whitened   w = U diag(l)^(-1/2) U^T (z - m)          has covariance I (on the space that z spans)
    coloured   v = U' diag(l')^(1/2) U'^T w + m'         has the mean m' and the covariance S' of the style

Both roots are the symmetric ones, so that a style that is the content itself changes nothing. Directions in which
there is next to no variance are left out of both: fewer places than channels, or a flat picture, leave many, and
1 / sqrt(l) would blow up what rounding left in them. A picture of one colour has rank 0 and gives its mean alone.

Paper A takes this step over from WCT2's code, which adds the identity to the covariance and clamps the result to
the content's range. Here nothing is added; what follows a ReLU is clamped at 0 by `style_transfer`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_VARIANCE = 1e-5  # of a direction, as a part of the largest one; A's code: 1e-5, absolute


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of features over their places, the covariance by its eigenvectors.

    mean (C, 1), vectors (C, rank), values (rank,), in float64 on the features' device. One picture's.
    """

    mean: Tensor
    vectors: Tensor
    values: Tensor

    @property
    def rank(self) -> int:
        """In how many directions the features vary."""
        return len(self.values)

    def power(self, exponent: float) -> Tensor:
        """The covariance to a power, (C, C), on the space that the features span and 0 elsewhere."""
        return (self.vectors * self.values**exponent) @ self.vectors.T


@torch.no_grad()
def moments(z: Tensor) -> Moments:
    """Mean and covariance of one picture's features z (1, C, h, w), by one factorisation (`eigh`, in float64).

    Raises:
        ValueError: z is not one picture's map of features, or not finite.
    """
    points = _points(z)
    mean = points.mean(dim=1, keepdim=True)
    centred = points - mean
    covariance = centred @ centred.T / max(1, points.shape[1] - 1)
    values, vectors = torch.linalg.eigh(covariance)
    # Rounding alone leaves variance in a constant picture: it is judged against the features' own size.
    floor = max(LEAST_VARIANCE * float(values[-1]), float(points.square().mean()) * 1e-12)
    kept = values > floor
    return Moments(mean, vectors[:, kept], values[kept])


def whiten(z: Tensor, own: Moments) -> Tensor:
    """z (1, C, h, w) with its own moments taken out: mean 0, covariance I on the space it spans; float64."""
    return (own.power(-0.5) @ (_points(z) - own.mean)).view(z.shape)


def colour(whitened: Tensor, style: Moments) -> Tensor:
    """Whitened features (1, C, h, w) with the style's moments put in; float64.

    Raises ValueError if the two have not the same number of channels.
    """
    if whitened.shape[1] != len(style.mean):
        channels = f"features of {whitened.shape[1]} channels and a style of {len(style.mean)}"
        raise ValueError(f"{channels}: both must come from the same layer of the same encoder")
    return (style.power(0.5) @ _points(whitened) + style.mean).view(whitened.shape)


def _points(z: Tensor) -> Tensor:
    """Features (1, C, h, w) as points (C, h * w) in float64."""
    if z.dim() != 4 or len(z) != 1 or 0 in z.shape:
        raise ValueError(f"features of one picture are (1, C, h, w), not {tuple(z.shape)}")
    if not bool(z.isfinite().all()):
        raise ValueError("features hold NaN or infinite values")
    return z.flatten(2)[0].double()
