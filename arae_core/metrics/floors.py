"""What a reconstruction has to beat: drawings of an image from a few numbers, by no network.

A reconstruction below its own flat colour shows nothing of the image; one level with k components of a PCA is worth k
numbers an image.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from arae_core.data import LabelledImages

from .image import psnr

Drawing = Callable[[Tensor], Tensor]  # x (B, 3, H, W) in [0, 1] to the same shape
FITTED = 5000  # images that the PCA is computed from, at most


def own_means(side: int) -> Drawing:
    """An image's own means over side x side squares, enlarged bilinearly: 3 side^2 numbers, at side 1 one flat colour."""
    return lambda x: F.interpolate(F.adaptive_avg_pool2d(x, side), x.shape[-2:], mode="bilinear")


def floors(train: LabelledImages, components: tuple[int, ...] = (4, 16, 64)) -> dict[str, Drawing]:
    """Name to drawing: the training mean; the image's own flat colour, its 2 x 2 and 4 x 4 means (3, 12 and 48
    numbers), enlarged bilinearly; the first k principal components of the training images.

    train: where mean and components come from, at most 5,000 images. At test time nothing of it is seen.
    """
    x = torch.cat([x for x, _ in train.take(min(FITTED, len(train)), seed=0).batches(500)])
    mean, vectors = principal_components(x, max(components))

    def pca(k: int) -> Drawing:
        basis = vectors[:, :k]
        return lambda x: ((x.flatten(1) - mean) @ basis @ basis.T + mean).view_as(x).clamp(0, 1)

    drawn: dict[str, Drawing] = {"training-mean": lambda x: mean.view(1, *x.shape[1:]).expand_as(x)}
    drawn |= {"flat-colour": own_means(1), "means-2x2": own_means(2), "means-4x4": own_means(4)}
    return drawn | {f"pca-{k}": pca(k) for k in components}


def principal_components(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Mean (P,) and first k principal components (P, k) of images (N, 3, H, W), P = 3 H W; by a randomised SVD."""
    flat = x.flatten(1)
    mean = flat.mean(dim=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vectors = torch.pca_lowrank(flat - mean, min(k, *flat.shape), center=False, niter=4)[2]
    return mean, vectors


def worth(value: float, x: Tensor, mean: Tensor, vectors: Tensor) -> int:
    """The fewest components with which the mean PSNR over images x reaches `value` (dB); all there are if none do."""
    flat = x.flatten(1) - mean
    drawn = mean.expand_as(flat).clone()
    scores = flat @ vectors
    for k in range(vectors.shape[1]):
        if float(psnr(drawn.view_as(x).clamp(0, 1), x).mean()) >= value:
            return k
        drawn += scores[:, k : k + 1] * vectors[:, k]
    return vectors.shape[1]
