"""Single pictures: whatever a camera, a scanner or the web leaves in a file, as RGB in [0, 1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

LARGEST = 80_000_000    # pixels; decoded, such a picture takes 240 MB


class UnreadableImageError(ValueError):
    """A file that is no picture, a damaged one, or one too large: says which, and why."""


def picture(path: str | Path, *, max_side: int | None = None) -> Tensor:
    """One picture: float32 (1, 3, H, W) in [0, 1], upright, its longer side at most `max_side` pixels.

    Grey, palette, CMYK and 16-bit pictures are converted to RGB, transparent ones laid on white.
    Raises FileNotFoundError, or UnreadableImageError (a ValueError) with path and cause.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no picture at {path}")
    if max_side is not None and (type(max_side) is not int or max_side < 1):
        raise ValueError(f"max_side must be a positive number of pixels, not {max_side!r}")
    image = open_rgb(path)
    if max_side is not None and max(image.size) > max_side:
        scale = max_side / max(image.size)
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
    return to_uint8(image)[None].float() / 255


def to_uint8(image: Image.Image) -> Tensor:
    """An RGB image of PIL as uint8 (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def open_rgb(path: str | Path) -> Image.Image:
    """A picture decoded in full, upright, 8-bit RGB. Raises UnreadableImageError with path and cause."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > LARGEST:
                raise ValueError(f"{image.width} x {image.height} are more than {LARGEST:,} pixels: "
                                 "scale it down first")
            return _rgb(ImageOps.exif_transpose(image))
    except MemoryError:
        raise
    except Exception as error:    # PIL's decoders raise almost anything on a damaged file
        cause = str(error).replace(repr(str(path)), "it") or type(error).__name__
        raise UnreadableImageError(f"cannot read {path}: {cause}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):    # 16-bit grey: PIL's own conversion would clip it at 255
        levels = np.asarray(image, dtype=np.float64) / 257
        return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
