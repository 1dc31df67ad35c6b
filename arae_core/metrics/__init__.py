"""Measures, one number an image: PSNR, SSIM, LPIPS, accuracy; and their summary."""

from .accuracy import accuracy
from .image import psnr, ssim
from .interval import interval
from .lpips import LPIPSUnavailable, fetch_trunk, lpips, lpips_available
from .reconstruction import reconstruction
from .summary import summarise
from .trend import trend

__all__ = [
    "LPIPSUnavailable",
    "accuracy",
    "fetch_trunk",
    "interval",
    "lpips",
    "lpips_available",
    "psnr",
    "reconstruction",
    "ssim",
    "summarise",
    "trend",
]
