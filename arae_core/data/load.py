"""A data set by its name, as profiles and the command line give it."""

from pathlib import Path

from arae_core.data.cifar10 import cifar10, cifar10_places
from arae_core.data.folders import KNOWN, find_folder, image_folder, split_folder
from arae_core.data.image_set import resized
from arae_core.data.images import LabelledImages
from arae_core.data.oxford_pets import oxford_pets, oxford_pets_places
from arae_core.data.photos import photos
from arae_core.data.places import MissingDataError, Root, data_root, missing, near

NAMES = ("photos", "cifar10", "oxford-pets", *KNOWN)


def load(
    name: str, split: str, *, image_size: int, count: int | None = None, seed: int = 0, root: Root = None
) -> LabelledImages:
    """The training or test split of "photos", "cifar10", "oxford-pets", "tiny-imagenet", "imagenet", or of a
    folder's path. CIFAR-10 at another size than its own 32 pixels is a ResizedSet.

    Args:
        count: images wanted, balanced over the classes and drawn with `seed` (None: all; of the photos 10,000)
        root: where data sets lie, instead of $ARAE_DATA

    Raises ValueError for an unknown name (with the near ones) or for more images than there are;
    MissingDataError (a ValueError) where the data set is not on this machine.
    """
    found: LabelledImages
    if name == "photos":
        return photos(split, image_size=image_size, seed=seed, **({} if count is None else {"count": count}))
    if name == "cifar10":
        found = resized(cifar10(split, root=root), image_size)
    elif name == "oxford-pets":
        found = oxford_pets(split, image_size=image_size, root=root)
    else:
        _require_name(name)
        found = image_folder(name, split, image_size=image_size, root=root)
    return found if count is None else found.take(count, seed)


def require_dataset(name: str, *, root: Root = None) -> Path | None:
    """Where a data set lies (None: the photos, inside the installed packages), without reading it.

    Raises ValueError for an unknown name, MissingDataError (a ValueError) where it is not on this machine.
    """
    _require_name(name)
    if name == "photos":
        return None
    if name in ("cifar10", "oxford-pets"):
        places = cifar10_places(root) if name == "cifar10" else oxford_pets_places(root)
        for place in places:
            if place.exists():
                return place
        raise missing(name, places, "`load` says how to get it.")
    folder = find_folder(name, root)
    split_folder(folder, "train")
    return folder


def available(root: Root = None) -> dict[str, str]:
    """For each data set its path, or that it was not found, and where: what `arae doctor` prints."""
    report = {}
    for name in NAMES:
        try:
            report[name] = str(require_dataset(name, root=root) or "inside the installed packages")
        except MissingDataError as error:
            lines = str(error).splitlines()
            report[name] = f"not found under {data_root(root)}" if len(lines) > 1 else lines[0]
    return report


def _require_name(name: str) -> None:
    if name not in NAMES and not Path(name).expanduser().is_dir() and not set(str(name)) & set("/\\"):
        there = f"There are {', '.join(NAMES)}, or a folder's path."
        raise ValueError(f"no data set {name!r}{near(str(name), NAMES)} {there}")
