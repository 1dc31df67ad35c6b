"""Three denoisers that learn nothing, by scikit-image: non-local means, total variation, wavelet shrinkage.

Each is told the noise's standard deviation and has one setting of strength, as a multiple of it. Which multiple is for
a search to say (`searched_strength`): the textbooks' values are for noise that is not clipped.

    nlm      means over patches that look alike (Buades, Coll and Morel 2005)
    tv       the picture of least total variation near the noisy one (Rudin, Osher and Fatemi 1992; Chambolle 2004)
    wavelet  small wavelet coefficients shrunk to zero, by a threshold for each band (Chang, Yu and Vetterli 2000)
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet
from torch import Tensor

from arae_core.data.images import check_images
from arae_core.data.noise import check_sigma

# From a picture (H, W, 3), sigma and the strength to the denoised picture.
CLASSICAL: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
    "nlm": lambda picture, sigma, strength: denoise_nl_means(
        picture, patch_size=5, patch_distance=6, h=strength * sigma, sigma=sigma, channel_axis=-1
    ),
    "tv": lambda picture, sigma, strength: denoise_tv_chambolle(
        picture, weight=strength * sigma, max_num_iter=100, channel_axis=-1
    ),
    "wavelet": lambda picture, sigma, strength: denoise_wavelet(
        picture, sigma=strength * sigma, method="BayesShrink", convert2ycbcr=True, channel_axis=-1
    ),
}


def classical_denoiser(method: str, sigma: float, strength: float) -> Callable[[Tensor], Tensor]:
    """A function x_noisy -> x_hat, both (B, 3, H, W) in [0, 1], picture by picture on the CPU.

    Args:
        method: "nlm", "tv" or "wavelet".
        sigma: the noise's standard deviation, in pixels of [0, 1]. 0 returns the pictures as they are.
        strength: a positive multiple of it: of the width h (nlm), the weight (tv) or the sigma told (wavelet).

    Raises:
        ValueError: another method, a sigma outside [0, 1] or a strength that is not positive.
    """
    if method not in CLASSICAL:
        raise ValueError(f"no classical denoiser {method!r}; there are {', '.join(CLASSICAL)}")
    check_sigma(sigma)
    if not 0 < strength < float("inf"):
        raise ValueError(f"strength is a positive multiple of sigma, not {strength!r}")

    def denoised(x_noisy: Tensor) -> Tensor:
        check_images(x_noisy, "pictures", channels=3)
        if sigma == 0:
            return x_noisy
        pictures = x_noisy.detach().permute(0, 2, 3, 1).cpu().double().numpy()
        drawn = np.stack([CLASSICAL[method](picture, sigma, strength) for picture in pictures])
        return torch.from_numpy(drawn).permute(0, 3, 1, 2).to(x_noisy).clamp(0, 1)

    return denoised


def searched_strength(
    method: str, sigma: float, x: Sequence[Tensor], x_noisy: Sequence[Tensor], strengths: Sequence[float]
) -> tuple[float, dict[float, float]]:
    """The strength with the highest mean PSNR on pictures x (1, 3, H, W) each, and the mean PSNR of every one tried."""
    found = {}
    for strength in strengths:
        run = classical_denoiser(method, sigma, strength)
        errors = [(run(noisy) - clean).square().mean() for clean, noisy in zip(x, x_noisy, strict=True)]
        found[strength] = float((-10 * torch.stack(errors).log10()).mean())
    return max(found, key=lambda strength: found[strength]), found
