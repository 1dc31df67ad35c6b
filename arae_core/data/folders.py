"""Image folders by name or path: Tiny ImageNet, ImageNet, or the reader's own `<split>/<class>/<image>`."""

import os
import warnings
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets.folder import make_dataset

from arae_core.data.folder_set import FolderSet, resident
from arae_core.data.image_set import ImageSet
from arae_core.data.pictures import ENDINGS
from arae_core.data.places import MissingDataError, Root, check_integer, check_split, data_root, missing

RESIDENT_SIDE = 64  # pixels: larger ones are decoded as a pass goes on, cropped from originals
RESIDENT_BYTES = 2 * 1024**3  # Tiny ImageNet's 100,000 images at 64 pixels take 1.2 GB
TEST_FOLDERS = ("test", "val", "validation")

# Folders under the data root, classes when whole, and how to get it.
KNOWN = {
    "tiny-imagenet": ("tiny-imagenet", "tiny-imagenet-200", "tiny-imagenet-100"),
    "imagenet": ("imagenet",),
}
_WHOLE = {"tiny-imagenet": 200, "imagenet": 1000}
_HOW = {
    "tiny-imagenet": "Get http://cs231n.stanford.edu/tiny-imagenet-200.zip (237 MB) and unpack it there.",
    "imagenet": "ImageNet (ILSVRC 2012) needs an account at https://image-net.org; unpack it as "
    "<split>/<class>/<image>, the classes named by their WordNet ids, split train and val.",
}


def image_folder(
    folder: str | Path, split: str, *, image_size: int, root: Root = None
) -> ImageSet | FolderSet:
    """A folder `<split>/<class>/<image>`: a path, or "tiny-imagenet" or "imagenet" under the data root.

    Up to 64 pixels and 2 GiB: an ImageSet, each image scaled whole to image_size x image_size. Else a FolderSet. The
    split "test" may lie in a folder called val. What is not the whole set (100 of Tiny ImageNet's 200 classes) says so
    in `notes`.

    Raises MissingDataError (a FileNotFoundError) with the places looked at, ValueError for a bad argument.
    """
    found = folder_set(find_folder(folder, root), split, image_size)
    if (name := str(folder)) in KNOWN:
        whole = len(found.classes) == _WHOLE[name]
        found.name, found.notes = name, "" if whole else f"{len(found.classes)} of {_WHOLE[name]} classes"
    small = image_size <= RESIDENT_SIDE and len(found) * 3 * image_size**2 <= RESIDENT_BYTES
    return resident(found) if small else found


def find_folder(folder: str | Path, root: Root = None) -> Path:
    """The folder of a known set under the data root, or the path itself. Raises MissingDataError."""
    places = [data_root(root) / name for name in KNOWN.get(str(folder), ())] or [Path(folder).expanduser()]
    for place in places:
        if place.is_dir():
            return place
    how = _HOW.get(str(folder), "A folder of images is laid out as <split>/<class>/<image>.")
    raise missing(str(folder), places, how)


def split_folder(root: Path, split: str) -> Path:
    """`<root>/<split>`; the test split may also be called val. Raises MissingDataError."""
    check_split(split)
    names = TEST_FOLDERS if split == "test" else (split,)
    there = [root / name for name in names if _folders(root / name)]
    # Tiny ImageNet's own `test` folder has no labels; its validation images do.
    for folder in [folder for folder in there if (folder / "val_annotations.txt").is_file()] or there:
        return folder
    lacks = f"no folder {' or '.join(names)} with a folder for each class in it"
    raise MissingDataError(f"{root} has {lacks}: images are expected at <split>/<class>/<image>")


def folder_set(root: Path, split: str, image_size: int) -> FolderSet:
    """The images of `<root>/<split>/<class>/`, folders inside a class included, by class and name.

    The classes are those of the training split where there is one, so that both splits number them alike; a folder
    without a picture is none. Tiny ImageNet's own layout of its validation images (one folder and
    `val_annotations.txt`) is read too. Raises MissingDataError without a split's folder or an image in it,
    ValueError for a class that the training split lacks.
    """
    check_integer("image_size", image_size)
    folder, trained = split_folder(root, split), root / "train"
    found = _labelled(folder)
    classes = sorted({name for name, _ in (folder != trained and _labelled(trained)) or found})
    if (folder / "val_annotations.txt").is_file():
        rows = (line.split("\t") for line in (folder / "val_annotations.txt").read_text().splitlines())
        class_of = {f"images/{row[0]}": row[1] for row in rows if len(row) > 1}
        found = sorted((class_of[file], file) for _, file in found if file in class_of)
    if not found:
        raise MissingDataError(f"{folder} holds no image in its class folders ({', '.join(ENDINGS)})")
    if strangers := sorted({name for name, _ in found} - set(classes)):
        raise ValueError(f"{folder} has classes that {trained} lacks: {', '.join(strangers[:5])}")
    if empty := sorted(set(_folders(trained)) - set(classes)):
        names = ", ".join(empty[:5])
        warnings.warn(f"no picture in {names} of {trained}: not among the classes", stacklevel=3)
    number = {name: index for index, name in enumerate(classes)}
    labels, files = torch.tensor([number[name] for name, _ in found]), np.array([file for _, file in found])
    return FolderSet(root.name, folder, files, labels, tuple(classes), image_size)


def _folders(folder: Path) -> list[str]:
    entries = os.scandir(folder) if folder.is_dir() else ()
    return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _labelled(folder: Path) -> list[tuple[str, str]]:
    """(class, file relative to the folder) of every picture in a class's folder; hidden ones are passed over."""
    names, start = _folders(folder), len(str(folder)) + 1
    if not names:
        return []

    def wanted(path: str) -> bool:
        return path.lower().endswith(ENDINGS) and "/." not in path[start:].replace(os.sep, "/")

    number = {name: index for index, name in enumerate(names)}
    found = make_dataset(folder, number, is_valid_file=wanted, allow_empty=True)
    return sorted((names[label], path[start:].replace(os.sep, "/")) for path, label in found)
