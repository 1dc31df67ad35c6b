"""Noise as a camera's sensor leaves it: Gaussian, then clipped to the range of pixels (A, Section 4.2).

    x_noisy = clip(x + n),  n of N(0, sigma^2), for each pixel and channel on its own

Clipping is no detail. It keeps what is nearly black or white in the range, so there the noise is weaker and no
longer zero in the mean, and a denoiser has to undo that too.
"""

from math import isfinite

import torch
from torch import Tensor


def clipped_noise(x: Tensor, sigma: float, *, seed: int | None = None) -> Tensor:
    """x_noisy (B, 3, H, W) in [0, 1] of images x of the same shape and range.

    Args:
        sigma: standard deviation in pixels of [0, 1]; 0 returns x, unchanged.
        seed: draws on the CPU from this seed, the same on every device. None: from torch's own generator, on the
            images' device; a training loop has seeded that for the step.

    Raises ValueError for a sigma outside 0 to 1, or pixels outside [0, 1]; TypeError if x is no tensor of floats.
    """
    check_sigma(sigma)
    check_pictures(x)
    if seed is None:
        n = torch.randn_like(x)
    else:
        n = torch.randn(x.shape, dtype=torch.float32, generator=torch.Generator().manual_seed(seed)).to(x)
    return (x + sigma * n).clamp(0, 1)


def check_sigma(sigma: float) -> None:
    """ValueError unless sigma is a number from 0 to 1."""
    number = isinstance(sigma, (int, float)) and not isinstance(sigma, bool)
    if not (number and isfinite(sigma) and 0 <= sigma <= 1):
        hint = f": {sigma} of 255 is sigma = {sigma}/255" if number and 1 < sigma <= 255 else ""
        raise ValueError(
            f"sigma is a standard deviation in pixels of [0, 1], from 0 to 1, not {sigma!r}{hint}"
        )


def check_pictures(x: Tensor) -> None:
    """TypeError or ValueError unless x is (B, 3, H, W) floats in [0, 1], without NaN."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"pictures are float tensors in [0, 1], not {kind} (8-bit ones: x.float() / 255)")
    if x.dim() != 4 or x.shape[1] != 3 or 0 in x.shape:
        raise ValueError(f"pictures are a batch (B, 3, H, W), not of shape {tuple(x.shape)}")
    low, high = (float(end) for end in torch.aminmax(x.detach()))
    if not (low >= 0 and high <= 1):  # so written, NaN fails too
        hint = "divide pictures of 0 to 255 by 255" if high > 2 else "clamp them first"
        raise ValueError(f"pictures lie in [0, 1], these span [{low:.4g}, {high:.4g}]: {hint}")
