"""How close a reconstruction is to its image, one number an image: PSNR and SSIM.

SSIM is that of Wang et al. 2004 (IEEE TIP 13:4): an 11 x 11 Gaussian window of sigma 1.5, K1 = 0.01,
K2 = 0.03, computed per colour channel and averaged over channels and all places where the window fits.
"""

import torch
from torch import Tensor

SSIM_WINDOW = 11


@torch.no_grad()
def psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, 10 log10(1 / mean squared error), over all pixels and channels.

    x_hat, x: (B, C, H, W) floats in [0,1]. Returns (B,) float32, higher is closer; identical images give
    inf, which no clamp hides. Raises TypeError or ValueError for other input.
    """
    x_hat, x = checked(x_hat, x)
    return -10 * (x_hat - x).square().mean(dim=(1, 2, 3)).log10()


@torch.no_grad()
def ssim(x_hat: Tensor, x: Tensor) -> Tensor:
    """Structural similarity, at most 1 (identical images), higher is closer.

    x_hat, x: (B, C, H, W) floats in [0,1], H and W at least 11. Returns (B,) float32. Raises TypeError or
    ValueError for other input.
    """
    # torchmetrics takes a second to import, and chapters that train nothing do not need it
    from torchmetrics.functional.image import structural_similarity_index_measure

    x_hat, x = checked(x_hat, x)
    if min(x.shape[2:]) < SSIM_WINDOW:
        raise ValueError(f"SSIM's window is {SSIM_WINDOW} pixels wide, the images only {tuple(x.shape[2:])}")
    with torch.autocast(x.device.type, enabled=False):  # differences of means need all of float32
        _, places = structural_similarity_index_measure(
            x_hat, x, sigma=1.5, kernel_size=SSIM_WINDOW, data_range=1.0, reduction="none",
            return_full_image=True,
        )  # fmt: skip
    edge = SSIM_WINDOW // 2  # there torchmetrics saw reflected pixels
    return places[..., edge:-edge, edge:-edge].mean(dim=(1, 2, 3))


def checked(x_hat: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Both as float32, or TypeError / ValueError: equal shapes (B, C, H, W), floats, finite, in [0,1]."""
    for name, images in (("x_hat", x_hat), ("x", x)):
        if not isinstance(images, Tensor) or not images.is_floating_point():
            kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise TypeError(f"{name} must be a tensor of floats in [0,1], not {kind}")
        if images.dim() != 4 or not images.numel():
            raise ValueError(f"{name} must be a batch (B, C, H, W), not of shape {tuple(images.shape)}")
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):  # so written, NaN fails too
            raise ValueError(
                f"{name} must lie in [0,1], but spans [{low:.4g}, {high:.4g}]: images of 0 to 255 are to be "
                "divided by 255, normalised ones taken back to pixels"
            )
    if x_hat.shape != x.shape:
        raise ValueError(f"x_hat and x differ in shape: {tuple(x_hat.shape)} and {tuple(x.shape)}")
    return x_hat.detach().float(), x.detach().float()
