"""Figures and images as small files: PNG for widgets and pages, WebP where it is smaller."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, ImageOps
from torch import Tensor

from arae_core.store import write_whole

SMALLEST_DPI = 50  # below, the text of a figure cannot be read


def to_png(picture: Figure | Tensor, max_kb: float = 300) -> bytes:
    """PNG bytes of at most max_kb (1024 bytes each): as it is, else in 256 colours, else coarser too.

    picture: a figure, or an image (3, H, W) in [0,1], whose pixels are enlarged to about 384 if it is
    small. Raises ValueError if nothing readable is that small.
    """
    if isinstance(picture, Tensor):
        return _smaller(_enlarged(picture), max_kb)
    dpi = picture.get_dpi()
    while True:
        try:
            return _smaller(_drawn(picture, dpi), max_kb)
        except ValueError:
            if dpi * 0.8 < SMALLEST_DPI:
                raise
            dpi *= 0.8


def save_picture(picture: Figure | Tensor, path: str | Path, max_kb: float = 300) -> Path:
    """Write a .png or .webp of at most max_kb, atomically, and return its path.

    Raises ValueError for another ending or if it will not fit, OSError if it cannot be written.
    """
    path = Path(path)
    if path.suffix == ".png":
        return write_whole(path, to_png(picture, max_kb))
    if path.suffix != ".webp":
        raise ValueError(f"a picture is saved as .png or .webp, not as {path.name}")
    image = _enlarged(picture) if isinstance(picture, Tensor) else _drawn(picture, picture.get_dpi())
    for quality in (90, 75, 60, 45):
        content = _encoded(image, "WEBP", quality=quality, method=6)
        if len(content) <= max_kb * 1024:
            return write_whole(path, content)
    raise ValueError(f"{path.name} takes {len(content) / 1024:.0f} KB, more than {max_kb}: make it smaller")


def _drawn(figure: Figure, dpi: float) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return Image.open(buffer).convert("RGB")


def _enlarged(image: Tensor) -> Image.Image:
    if image.dim() != 3 or image.shape[0] != 3:
        raise ValueError(f"an image is a tensor (3, H, W), not {tuple(image.shape)}")
    pixels = image.detach().float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
    return ImageOps.scale(Image.fromarray(pixels), max(1, 384 // max(pixels.shape)), Image.Resampling.NEAREST)


def _smaller(image: Image.Image, max_kb: float) -> bytes:
    for candidate in (image, image.quantize(256)):
        content = _encoded(candidate, "PNG", optimize=True)
        if len(content) <= max_kb * 1024:
            return content
    raise ValueError(f"the picture takes {len(content) / 1024:.0f} KB, more than {max_kb}: make it smaller")


def _encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
