"""Image folders by name or path: Tiny ImageNet, ImageNet, or the reader's own `<split>/<class>/<image>`."""

from __future__ import annotations

from pathlib import Path

import torch

from arae_core.data.folder_set import FolderSet
from arae_core.data.image_set import ImageSet
from arae_core.data.listing import list_images
from arae_core.data.places import data_root, missing
from arae_core.data.resident import read_resident
from arae_core.seeds import derive_seed

RESIDENT_SIDE = 64             # pixels: larger ones are decoded as a pass goes on, cropped from originals
RESIDENT_BYTES = 2 * 1024**3   # Tiny ImageNet's 100,000 images at 64 pixels take 1.2 GB

# name: folders it may have under the data root, classes it has when whole, how to get it
_KNOWN = {
    "tiny-imagenet": (("tiny-imagenet", "tiny-imagenet-200", "tiny-imagenet-100"), 200,
                      "Get http://cs231n.stanford.edu/tiny-imagenet-200.zip (237 MB) and unpack it there."),
    "imagenet": (("imagenet",), 1000,
                 "ImageNet (ILSVRC 2012) needs an account at https://image-net.org; unpack it as "
                 "<split>/<class>/<image>, the classes named by their WordNet ids, split train and val."),
}


def image_folder(root_or_name: str | Path, split: str, *, image_size: int, root: str | Path | None = None,
                 workers: int | None = None) -> ImageSet | FolderSet:
    """A folder `<split>/<class>/<image>`: a path, or "tiny-imagenet" or "imagenet" under the data root.

    Up to 64 pixels and 2 GiB: an ImageSet, each image scaled whole to image_size x image_size. Else a
    FolderSet with `workers` decoding processes. The split "test" may lie in a folder called val. What is not
    the whole set (100 of Tiny ImageNet's 200 classes) says so in `notes`.

    Raises MissingDataError (a FileNotFoundError) with the places looked at, ValueError for a bad argument.
    """
    if type(image_size) is not int or image_size < 1:
        raise ValueError(f"image_size must be a positive integer, not {image_size!r}")
    folder = find_folder(root_or_name, root)
    listing = list_images(folder, split)
    name, notes = folder.name, ""
    if root_or_name in _KNOWN:
        name, whole = str(root_or_name), _KNOWN[root_or_name][1]
        notes = "" if len(listing.classes) == whole else f"{len(listing.classes)} of {whole} classes"
    if image_size <= RESIDENT_SIDE and len(listing.files) * 3 * image_size**2 <= RESIDENT_BYTES:
        return read_resident(name, listing, image_size, notes)
    return FolderSet(name, listing.folder, listing.files, torch.from_numpy(listing.labels), listing.classes,
                     image_size, f"{derive_seed(image_size, listing.digest):016x}", notes, workers=workers)


def find_folder(root_or_name: str | Path, root: str | Path | None = None) -> Path:
    """The folder of a known set under the data root, or the path itself. Raises MissingDataError."""
    if root_or_name in _KNOWN:
        names, _, how = _KNOWN[root_or_name]
        places = [data_root(root) / name for name in names]
    else:
        how = "A folder of images is laid out as <split>/<class>/<image>."
        places = [Path(root_or_name).expanduser()]
    for place in places:
        if place.is_dir():
            return place
    raise missing(str(root_or_name), places, how)
