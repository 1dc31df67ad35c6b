"""Noise as a camera's sensor leaves it: Gaussian, then clipped to the range of pixels (A, Section 4.2).

    x_noisy = clip(x + n),  n of N(0, sigma^2), for each pixel and channel on its own

Clipping is no detail. It keeps what is nearly black or white in the range, so there the noise is weaker and no
longer zero in the mean, and a denoiser has to undo that too.
"""

import torch
from torch import Tensor

from arae_core.data.images import check_images


def clipped_noise(x: Tensor, sigma: float, *, seed: int | None = None) -> Tensor:
    """x_noisy (B, 3, H, W) in [0, 1] of images x of the same shape and range.

    Args:
        sigma: standard deviation in pixels of [0, 1]; 0 returns x, unchanged.
        seed: draws on the CPU from this seed, the same on every device. None: from torch's own generator, on the
            images' device; a training loop has seeded that for the step.

    Raises ValueError for a sigma outside 0 to 1, or pixels outside [0, 1]; TypeError if x is no tensor of floats.
    """
    check_sigma(sigma)
    check_images(x, "pictures", channels=3)
    if seed is None:
        n = torch.randn_like(x)
    else:
        n = torch.randn(x.shape, dtype=torch.float32, generator=torch.Generator().manual_seed(seed)).to(x)
    return (x + sigma * n).clamp(0, 1)


def check_sigma(sigma: float) -> None:
    """ValueError unless sigma is a number from 0 to 1."""
    number = isinstance(sigma, (int, float)) and not isinstance(sigma, bool)
    if not (number and 0 <= sigma <= 1):
        hint = f": {sigma} of 255 is sigma = {sigma}/255" if number and 1 < sigma <= 255 else ""
        raise ValueError(f"sigma is a standard deviation in pixels of [0, 1], at most 1, not {sigma!r}{hint}")
