"""Whole pictures: whatever a camera, a scanner or the web leaves in a file, as RGB in [0, 1], alone or by folders."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from arae_core.data.places import Root, check_integer, data_root, missing

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff")
LARGEST = 80_000_000  # pixels; decoded, such a picture takes 240 MB


class UnreadableImageError(ValueError):
    """A file that is no picture, a damaged one, or one too large: says which, and why."""


def picture(path: str | Path, *, max_side: int | None = None) -> Tensor:
    """One picture: float32 (1, 3, H, W) in [0, 1], upright, its longer side at most `max_side` pixels.

    Grey, palette, CMYK and 16-bit pictures are converted to RGB, transparent ones laid on white.
    Raises FileNotFoundError, or UnreadableImageError (a ValueError) with path and cause.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no picture at {path}")
    if max_side is not None:
        check_integer("max_side", max_side)
    image = open_rgb(path)
    if max_side is not None and max(image.size) > max_side:
        scale = max_side / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return to_uint8(image)[None].float() / 255


def picture_files(folder: str | Path, *, root: Root = None) -> list[Path]:
    """The pictures of a folder by name, or of the folders inside it by path where it has none itself: Kodak24, DIV2K.

    Args:
        folder: a path, or one under the data root ("denoise/Kodak24")
        root: where data sets lie, instead of $ARAE_DATA

    Raises MissingDataError (a FileNotFoundError) with the places looked at, also for a folder without a picture.
    """
    places = [Path(folder).expanduser(), data_root(root) / folder]
    for place in places:
        if found := _visible(place.glob("*")) or _visible(place.rglob("*")):
            return found
    raise missing(str(folder), places, f"It is a folder with pictures in it ({', '.join(ENDINGS)}).")


def _visible(paths: Iterable[Path]) -> list[Path]:
    shown = (path for path in paths if path.suffix.lower() in ENDINGS and not path.name.startswith("."))
    return sorted(path for path in shown if path.is_file())


def to_uint8(image: Image.Image) -> Tensor:
    """An RGB image of PIL as uint8 (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def open_rgb(path: str | Path) -> Image.Image:
    """A picture decoded in full, upright, 8-bit RGB. Raises UnreadableImageError with path and cause."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > LARGEST:
                size = f"{image.width} x {image.height}"
                raise ValueError(f"{size} are more than {LARGEST:,} pixels: scale it down first")
            if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
                raise ValueError("its pixels are floating-point numbers or 32-bit integers of unknown range")
            return _rgb(ImageOps.exif_transpose(image))
    except MemoryError:
        raise
    except Exception as error:  # PIL's decoders raise almost anything on a damaged file
        cause = str(error).replace(repr(str(path)), "it") or type(error).__name__
        raise UnreadableImageError(f"cannot read {path}: {cause}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: PIL's own conversion would clip it at 255
        levels = np.asarray(image, dtype=np.float64) / 257
        return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def rescaled(x: Tensor, factor: float) -> Tensor:
    """Pictures x (B, C, H, W) in [0, 1] with sides `factor` times as long, rounded, and never below one pixel.

    Bicubic, in [0, 1] again afterwards: cubic curves overshoot at edges. Where it reduces, it averages over the
    pixels that become one, as Pillow does, lest fine structure turn into false coarse one.

    Raises:
        ValueError: x is no batch of pictures, the factor is not positive, or the result would be too large.
    """
    if x.dim() != 4 or 0 in x.shape:
        raise ValueError(f"pictures are a batch (B, C, H, W), not of shape {tuple(x.shape)}")
    if not 0 < factor < float("inf"):
        raise ValueError(f"factor is a positive number, not {factor!r}")
    height, width = (max(1, round(factor * side)) for side in x.shape[2:])
    if height * width > LARGEST:
        size = f"{x.shape[3]} x {x.shape[2]}"
        raise ValueError(f"{size} pixels enlarged by {factor:g} are more than {LARGEST:,} pixels")
    return F.interpolate(x, size=(height, width), mode="bicubic", antialias=True).clamp(0, 1)
