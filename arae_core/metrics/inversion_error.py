"""C's normalised inversion error (Dosovitskiy and Brox 2016, section 4): ||a - b||_2 / N.

N is the mean Euclidean distance between all pairs of different samples of the test set, so that 100 % is what a
sample drawn at random would get. It is taken in the space of the images or in that of their features.
"""

import torch
from torch import Tensor

ROWS = 1024  # samples compared with all others at a time


@torch.no_grad()
def inversion_error(a: Tensor, b: Tensor, scale: float | Tensor | None = None) -> Tensor:
    """||a_i - b_i||_2 / N of each sample, 0 for equal ones, *lower* is closer.

    a, b: (N, ...) floats of one shape, reconstructions and originals, images or features. scale: N; by default
    `mean_distance(b)`, as C has it when b is the whole test set. Returns (N,) float32 on their device.
    Raises ValueError for different shapes, or a scale that is not positive.
    """
    if a.shape != b.shape or a.dim() < 2:
        raise ValueError(f"two batches of one shape are compared, not {tuple(a.shape)} and {tuple(b.shape)}")
    scale = mean_distance(b) if scale is None else float(scale)
    if not 0 < scale < float("inf"):
        raise ValueError(f"the mean distance between samples must be positive and finite, not {scale}")
    return (a.double() - b.double()).flatten(1).norm(dim=1).div(scale).float()


@torch.no_grad()
def mean_distance(b: Tensor) -> float:
    """N: the mean Euclidean distance between all pairs of different samples of b (N, ...).

    Raises ValueError for fewer than two samples.
    """
    if len(b) < 2:
        raise ValueError(f"distances between different samples need two of them, not {len(b)}")
    flat = b.flatten(1).float()
    total = 0.0
    for rows in flat.split(ROWS):
        # by differences: the faster product form loses digits where samples are close
        distances = torch.cdist(rows, flat, compute_mode="donot_use_mm_for_euclid_dist")
        total += distances.sum(dtype=torch.float64).item()  # a sample's distance to itself is 0
    return total / (len(b) * (len(b) - 1))
