"""Small images from a folder into one tensor, decoded once and kept in the reader's cache."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from arae_core.data.image_set import ImageSet
from arae_core.data.listing import Listing
from arae_core.data.pictures import UnreadableImageError, open_rgb
from arae_core.store import store_dir

_FORMAT = 1    # of the cached file and of what decoding means; goes up when either changes


def read_resident(name: str, listing: Listing, image_size: int, notes: str = "") -> ImageSet:
    """Every image of a listing scaled to (image_size, image_size), as a resident set.

    Files that cannot be read are left out and named in `skipped`. The decoded set is kept in the store under
    a digest of the listing; a cached file that is damaged is made again.
    """
    file = f"{name}-{listing.folder.name}-{image_size}-{listing.key}-{_FORMAT}.safetensors"
    cached = store_dir() / "decoded" / file
    found = _load(cached, name, notes)
    if found is None:
        found = _decode(name, listing, image_size, notes)
        _save(cached, found)
    if found.skipped:
        warnings.warn(f"{name}: {len(found.skipped)} unreadable images skipped, such as {found.skipped[0]}",
                      stacklevel=3)
    return found


def _decode(name: str, listing: Listing, size: int, notes: str) -> ImageSet:
    images = np.empty((len(listing.files), 3, size, size), dtype=np.uint8)
    skipped: dict[int, str] = {}

    def read(index: int) -> None:
        try:
            image = open_rgb(listing.folder / str(listing.files[index]))
        except UnreadableImageError as error:
            skipped[index] = str(error)
            return
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BICUBIC)
        images[index] = np.asarray(image).transpose(2, 0, 1)

    indices = range(len(listing.files))
    quiet = len(indices) < 5000 or None    # None: a bar only where somebody can watch it
    with ThreadPoolExecutor() as pool:
        for _ in tqdm(pool.map(read, indices), f"reading {name}", len(indices), disable=quiet):
            pass
    kept = np.array([index for index in indices if index not in skipped], dtype=np.int64)
    if len(kept) == 0:
        raise UnreadableImageError(f"not one image of {listing.folder} can be read: {skipped[0]}")
    chosen = images[kept] if skipped else images
    return ImageSet(name, torch.from_numpy(chosen), torch.from_numpy(listing.labels[kept]), listing.classes,
                    notes, tuple(skipped[index] for index in sorted(skipped)))


def _load(path: Path, name: str, notes: str) -> ImageSet | None:
    """The cached set; None where there is none, or a damaged one."""
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            found = ImageSet(name, file.get_tensor("images"), file.get_tensor("labels"),
                             tuple(json.loads(about["classes"])), notes, tuple(json.loads(about["skipped"])))
        if found.digest == about["digest"]:
            return found
        cause = "its content has changed"
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        cause = str(error)
    warnings.warn(f"cached images {path} are damaged ({cause}); reading the originals again", stacklevel=4)
    return None


def _save(path: Path, decoded: ImageSet) -> None:
    """Whole or not at all. A store that cannot be written costs time at the next start, nothing else."""
    about = {"classes": json.dumps(decoded.classes), "skipped": json.dumps(decoded.skipped),
             "digest": decoded.digest}
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        save_file({"images": decoded.images, "labels": decoded.labels}, part, about)
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        warnings.warn(f"decoded images not kept at {path}: {error}", stacklevel=4)
        if part is not None:
            Path(part).unlink(missing_ok=True)
