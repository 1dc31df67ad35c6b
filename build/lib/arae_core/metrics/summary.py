"""From one number an image to the three that a record keeps: mean, spread, count."""

import torch
from torch import Tensor


def summarise(values: Tensor) -> dict[str, float | int]:
    """{"value": mean, "std": sample standard deviation, "n": count} of (N,) floats or bools.

    NaN is left out of all three (as A does with LPIPS), and then counted under "dropped". A single value
    has std 0. Raises ValueError if nothing is left.
    """
    values = torch.as_tensor(values).detach().flatten().to("cpu", torch.float64)
    kept = values[~values.isnan()]
    if not len(kept):
        raise ValueError(f"nothing to summarise: {len(values)} values, all of them NaN")
    std = kept.std().item() if len(kept) > 1 else 0.0
    summary = {"value": kept.mean().item(), "std": std, "n": len(kept)}
    if len(kept) < len(values):
        summary["dropped"] = len(values) - len(kept)
    return summary
