"""Pictures enlarged and reduced by a factor, by bicubic interpolation."""

from __future__ import annotations

from math import isfinite

import torch.nn.functional as F
from torch import Tensor

from arae_core.data.pictures import LARGEST


def rescaled(x: Tensor, factor: float) -> Tensor:
    """Pictures x (B, C, H, W) in [0, 1] with sides `factor` times as long, rounded, and never below one pixel.

    Bicubic, in [0, 1] again afterwards: cubic curves overshoot at edges. Where it reduces, it averages over the
    pixels that become one, as Pillow does, lest fine structure turn into false coarse one.

    Raises:
        ValueError: x is no batch of pictures, the factor is not positive, or the result would be too large.
    """
    if x.dim() != 4 or 0 in x.shape:
        raise ValueError(f"pictures are a batch (B, C, H, W), not of shape {tuple(x.shape)}")
    if not (factor > 0 and isfinite(factor)):
        raise ValueError(f"factor is a positive number, not {factor!r}")
    height, width = (max(1, round(factor * side)) for side in x.shape[2:])
    if height * width > LARGEST:
        raise ValueError(f"{x.shape[3]} x {x.shape[2]} pixels enlarged by {factor:g} are more than {LARGEST:,} pixels")
    return F.interpolate(x, size=(height, width), mode="bicubic", antialias=True).clamp(0, 1)
