"""Crops of chosen photographs at many scales and in many colours: data for networks that then meet other pictures.

`photos` cuts crops for a classifier: scaled down, none without contrast, ten worlds of colour. A denoiser trained on
them fails on other pictures. Here a crop may be as the camera left it or half the photograph scaled down, flat sky
too, and each is turned and mirrored. A share of them also gets colours of its own: channels in another order, each on
a curve of its own (a gamma drawn for it). Only stripes of the training split are used, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np
import torch
from PIL import Image

from arae_core.data.image_set import ImageSet
from arae_core.data.photos import _open, photo_names, runs
from arae_core.seeds import derive_seed

LARGEST_GAMMA = 2.0


def photo_crops(
    names: Sequence[str], count: int, *, image_size: int = 64, recoloured: float = 0.5, seed: int = 0
) -> ImageSet:
    """`count` crops of the named photographs in turn, `image_size` pixels square, from the training stripes.

    A crop's side is drawn between `image_size` (native scale) and the largest that its stripes hold, evenly in its
    logarithm. recoloured: the share of crops that get other colours. The same arguments give the same bytes.

    Raises:
        ValueError: an unknown photograph or none, a count below 1, a size outside 8 to 112, or a share outside
            0 to 1.
    """
    unknown = [name for name in names if name not in photo_names()]
    if unknown or not names:
        raise ValueError(f"no photograph {', '.join(unknown) or 'named'}; there are {', '.join(photo_names())}")
    if type(count) is not int or count < 1:
        raise ValueError(f"count must be a positive integer, not {count!r}")
    if type(image_size) is not int or not 8 <= image_size <= 112:
        raise ValueError(f"image_size must be an integer from 8 to 112, not {image_size!r}")
    if isinstance(recoloured, bool) or not 0 <= recoloured <= 1:
        raise ValueError(f"recoloured is a share of the crops, from 0 to 1, not {recoloured!r}")
    rng = np.random.default_rng(derive_seed(seed, "photo crops", *names, image_size))
    images = np.empty((count, image_size, image_size, 3), dtype=np.uint8)
    for i in range(count):
        crop = _crop(_open(names[i % len(names)]), image_size, rng)
        images[i] = _turned(_recoloured(crop, rng) if rng.random() < recoloured else crop, rng)
    return ImageSet("photo crops", torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
                    torch.arange(count) % len(names), tuple(names), f"{recoloured:.0%} recoloured" if recoloured else "")


def _crop(photo: Image.Image, size: int, rng: np.random.Generator) -> np.ndarray:
    places = runs(photo.width, "train")
    left, end = places[rng.integers(len(places))]
    largest = min(end - left, photo.height)
    side = round(exp(rng.uniform(log(size), log(largest))))
    x = left + rng.integers(end - left - side + 1)
    y = rng.integers(photo.height - side + 1)
    return np.asarray(photo.crop((x, y, x + side, y + side)).resize((size, size), Image.Resampling.BICUBIC))


def _turned(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned by a multiple of 90 degrees, mirrored or not."""
    crop = np.rot90(crop, rng.integers(4))
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _recoloured(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Channels permuted, each raised to a power of its own."""
    gamma = np.exp(rng.uniform(-log(LARGEST_GAMMA), log(LARGEST_GAMMA), 3))
    return np.rint(255 * (crop[..., rng.permutation(3)] / 255.0) ** gamma).astype(np.uint8)
