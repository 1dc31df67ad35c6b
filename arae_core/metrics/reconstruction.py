"""How well an autoencoder draws its images back: PSNR, SSIM and, where its weights are at hand, LPIPS."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from .image import psnr, ssim
from .lpips import lpips, lpips_available


def reconstruction(
    reconstruct: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """{"psnr": (N,), "ssim": (N,)} and, if `lpips_available()`, "lpips": (N,), on the CPU, in the batches' order.

    Args:
        reconstruct: x (B, 3, H, W) in [0, 1] to x_hat of the same shape; called without gradients.
        batches: pairs (x, y); the labels are not used.

    Raises:
        ValueError: there are no batches.
    """
    measures = {"psnr": psnr, "ssim": ssim} | ({"lpips": lpips} if lpips_available()[0] else {})
    values: dict[str, list[Tensor]] = {name: [] for name in measures}
    for x, _ in batches:
        with torch.no_grad():
            x_hat = reconstruct(x)
        for name, measure in measures.items():
            values[name].append(measure(x_hat, x).cpu())
    if not values["psnr"]:
        raise ValueError("no batches to reconstruct: the data set is empty")
    return {name: torch.cat(parts) for name, parts in values.items()}
