"""Measures, one number an image: PSNR, SSIM, LPIPS, accuracy; AUROC; their summary; and what methods cost."""

from .accuracy import accuracy
from .auroc import auroc, bounds, resampled_auroc, roc_curve
from .cost import flops, milliseconds, trainable_parameters
from .floors import floors, own_means, principal_components, worth
from .image import psnr, ssim
from .inversion_error import inversion_error, mean_distance
from .lpips import LPIPSUnavailable, fetch_trunk, lpips, lpips_available
from .reconstruction import reconstruction
from .summary import interval, summarise, trend

__all__ = ["LPIPSUnavailable", "accuracy", "auroc", "bounds", "fetch_trunk", "flops", "interval"]
__all__ += ["inversion_error", "lpips", "lpips_available", "mean_distance", "milliseconds", "psnr"]
__all__ += ["reconstruction", "resampled_auroc", "roc_curve", "ssim", "summarise", "trainable_parameters"]
__all__ += ["floors", "own_means", "principal_components", "trend", "worth"]
