"""Photos: ten photographs that come inside the scikit-image and scikit-learn wheels, as a data set.

A class is a photograph, an image is a square crop of it, scaled down. Each photograph is cut into eight
vertical stripes; the third and the sixth are kept for the test crops, so that no pixel is ever seen by both
splits. Small, real, and there on every machine: the book's default data, and no substitute for a data set.

The files are read from the installed packages' own folders: `skimage.data` would fetch a missing one.
"""

import importlib.util
from collections.abc import Sequence
from functools import cache
from math import exp, log
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from arae_core.data.image_set import ImageSet
from arae_core.data.places import check_integer, check_split
from arae_core.seeds import derive_seed

_FILES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "ihc": ("skimage", "data/ihc.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}
# Grey pictures of surfaces that come in the same wheel: no part of the data set, but good styles.
_TEXTURES = {name: ("skimage", f"data/{name}.png") for name in ("brick", "grass", "gravel")}
STRIPES = 8
TEST_STRIPES = (2, 5)  # counted from 0; the six others are for training
LEAST_CONTRAST = 8.0  # of 255: standard deviation over the crop, in the channel that varies most
LARGEST_GAMMA = 2.0


def photo_names() -> tuple[str, ...]:
    """The ten photographs' names, in the order of their labels."""
    return tuple(_FILES)


def texture_names() -> tuple[str, ...]:
    """Three pictures of surfaces in the same packages, for styles."""
    return tuple(_TEXTURES)


def photograph(name: str) -> Tensor:
    """One photograph whole: float32 (1, 3, H, W) in [0, 1]. Raises ValueError for an unknown name."""
    return _whole("photograph", name, photo_names())


def texture(name: str) -> Tensor:
    """One texture whole, grey: float32 (1, 3, H, W) in [0, 1]. Raises ValueError for an unknown name."""
    return _whole("texture", name, texture_names())


def _whole(kind: str, name: str, names: tuple[str, ...]) -> Tensor:
    if name not in names:
        raise ValueError(f"no {kind} {name!r}; there are {', '.join(names)}")
    return torch.from_numpy(np.array(_open(name))).permute(2, 0, 1)[None].float() / 255


def photos(split: str = "train", *, count: int = 10_000, image_size: int = 32, seed: int = 0) -> ImageSet:
    """`count` crops of the ten photographs, `image_size` pixels square; image i is of class i % 10.

    A crop's side is drawn between `image_size` (less where a stripe is too narrow for that) and the width of
    a stripe, alike in both splits, so that they differ in place only. Crops without contrast (sky, the
    retina's dark rim) are drawn again. The same arguments give the same bytes.

    Raises ValueError for another split, or a count or size that is no positive integer (size: 8 to 256).
    """
    check_split(split)
    check_integer("count", count)
    check_integer("image_size", image_size, 8, 256)
    images = np.empty((count, image_size, image_size, 3), dtype=np.uint8)
    for label, name in enumerate(_FILES):
        wanted = images[label :: len(_FILES)]
        if len(wanted):
            wanted[:] = _crops(name, split, len(wanted), image_size, seed)[0]
    return _as_set("photos", images, photo_names())


def runs(width: int, split: str) -> list[tuple[int, int]]:
    """The columns of a photograph that belong to a split: (first, end) of each run of adjacent stripes."""
    joined: list[tuple[int, int]] = []
    for stripe in range(STRIPES):
        first, end = stripe * width // STRIPES, (stripe + 1) * width // STRIPES
        if (stripe in TEST_STRIPES) != (split == "test"):
            continue
        if joined and joined[-1][1] == first:
            first = joined.pop()[0]
        joined.append((first, end))
    return joined


def _crops(name: str, split: str, count: int, image_size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops uint8 (count, S, S, 3) with enough contrast, and their boxes (count, 4)."""
    photo = _open(name)
    places = np.array(runs(photo.width, split))
    widest = min(photo.width // STRIPES, photo.height)
    least = min(image_size, 3 * widest // 4)
    rng = np.random.default_rng(derive_seed(seed, "photos", split, name, image_size))
    crops: list[np.ndarray] = []
    boxes: list[tuple[int, int, int, int]] = []
    while len(crops) < count:
        run, along, down, scale = rng.random(4)  # four a crop: the first crops do not depend on count
        side = least + int(scale * (widest - least + 1))
        first, end = places[int(run * len(places))]
        left = int(first) + int(along * (end - first - side + 1))
        top = int(down * (photo.height - side + 1))
        box = (left, top, left + side, top + side)
        # cut out first, then scaled: the scaling filter must not reach across the edge of a stripe
        crop = np.asarray(photo.crop(box).resize((image_size, image_size), Image.Resampling.BICUBIC))
        if crop.std(axis=(0, 1)).max() >= LEAST_CONTRAST:
            crops.append(crop)
            boxes.append(box)
    return np.stack(crops), np.array(boxes)


def photo_crops(
    names: Sequence[str], count: int, *, image_size: int = 64, recoloured: float = 0.5, seed: int = 0
) -> ImageSet:
    """`count` crops of the named photographs in turn, `image_size` pixels square, from the training stripes.

    A crop's side is drawn between `image_size` (native scale) and the largest that its stripes hold, evenly in its
    logarithm. A denoiser trained on `photos` fails on other pictures, so here a crop may be as the camera left it or
    half the photograph scaled down, flat sky too; each is turned and mirrored. recoloured: the share that also gets
    colours of its own, channels in another order and each on a curve of its own. The same arguments give the same bytes.

    Raises ValueError: an unknown photograph or none, a count below 1, a size outside 8 to 112, a share outside 0 to 1.
    """
    unknown = [name for name in names if name not in photo_names()]
    if unknown or not names:
        what = ", ".join(unknown) or "named"
        raise ValueError(f"no photograph {what}; there are {', '.join(photo_names())}")
    check_integer("count", count)
    check_integer("image_size", image_size, 8, 112)
    if isinstance(recoloured, bool) or not 0 <= recoloured <= 1:
        raise ValueError(f"recoloured is a share of the crops, from 0 to 1, not {recoloured!r}")
    rng = np.random.default_rng(derive_seed(seed, "photo crops", *names, image_size))
    images = np.empty((count, image_size, image_size, 3), dtype=np.uint8)
    for i in range(count):
        crop = _crop(_open(names[i % len(names)]), image_size, rng)
        images[i] = _turned(_recoloured(crop, rng) if rng.random() < recoloured else crop, rng)
    return _as_set("photo crops", images, tuple(names), f"{recoloured:.0%} recoloured" if recoloured else "")


def _crop(photo: Image.Image, size: int, rng: np.random.Generator) -> np.ndarray:
    places = runs(photo.width, "train")
    left, end = places[rng.integers(len(places))]
    largest = min(end - left, photo.height)
    side = round(exp(rng.uniform(log(size), log(largest))))
    x = left + int(rng.integers(end - left - side + 1))
    y = int(rng.integers(photo.height - side + 1))
    return np.asarray(photo.crop((x, y, x + side, y + side)).resize((size, size), Image.Resampling.BICUBIC))


def _turned(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned by a multiple of 90 degrees, mirrored or not."""
    crop = np.rot90(crop, int(rng.integers(4)))
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _recoloured(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Channels permuted, each raised to a power of its own."""
    gamma = np.exp(rng.uniform(-log(LARGEST_GAMMA), log(LARGEST_GAMMA), 3))
    return np.rint(255 * (crop[..., rng.permutation(3)] / 255.0) ** gamma).astype(np.uint8)


def _as_set(name: str, images: np.ndarray, classes: tuple[str, ...], notes: str = "") -> ImageSet:
    """Of uint8 (N, S, S, 3) of the classes in turn."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return ImageSet(name, pixels, torch.arange(len(images)) % len(classes), classes, notes)


@cache
def _open(name: str) -> Image.Image:
    package, file = (_FILES | _TEXTURES)[name]
    spec = importlib.util.find_spec(package)  # finds the folder without importing the package
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"photograph {name!r}: {package}, which carries it, is not installed")
    path = Path(spec.origin).parent / file
    if not path.is_file():
        raise FileNotFoundError(f"photograph {name!r} is not at {path}: reinstall {package}")
    with Image.open(path) as image:
        return image.convert("RGB")
