"""A data set by its name, as profiles and the command line give it."""

from __future__ import annotations

import difflib
from pathlib import Path

from arae_core.data.cifar10 import cifar10, cifar10_places
from arae_core.data.folder_set import FolderSet
from arae_core.data.folders import find_folder, image_folder
from arae_core.data.image_set import ImageSet
from arae_core.data.listing import split_folder
from arae_core.data.oxford_pets import oxford_pets, oxford_pets_places
from arae_core.data.photos import photos
from arae_core.data.places import data_root
from arae_core.data.resized import ResizedSet
from arae_core.data.shard_set import shard_set
from arae_core.data.shards import holds_shards

NAMES = ("photos", "cifar10", "oxford-pets", "tiny-imagenet", "imagenet")


def load(name: str, split: str, *, image_size: int, count: int | None = None, seed: int = 0,
         root: str | Path | None = None) -> ImageSet | ResizedSet | FolderSet:
    """The training or test split of "photos", "cifar10", "oxford-pets", "tiny-imagenet", "imagenet", or of a
    folder's path. CIFAR-10 at another size than its own 32 pixels is a ResizedSet; a folder of shards, where
    one of images is expected, a ShardSet.

    count  images wanted (None: all; of the photos 10,000), balanced over the classes and drawn with `seed`
    root   where data sets lie, instead of $ARAE_DATA

    Raises ValueError for an unknown name (with the near ones) or for more images than there are;
    MissingDataError where the data set is not on this machine.
    """
    if name == "photos":
        return photos(split, image_size=image_size, seed=seed, **({} if count is None else {"count": count}))
    if name == "cifar10":
        found = cifar10(split, root=root)
        found = found if image_size == found.image_size else ResizedSet(found, image_size)
    elif name == "oxford-pets":
        found = oxford_pets(split, image_size=image_size, root=root)
    elif name in NAMES or Path(name).expanduser().is_dir() or "/" in str(name) or "\\" in str(name):
        folder = find_folder(name, root)
        found = (shard_set(folder, split, image_size=image_size) if holds_shards(folder)
                 else image_folder(name, split, image_size=image_size, root=root))
    else:
        near = difflib.get_close_matches(str(name), NAMES, 1, 0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"no data set {name!r}{hint} There are {', '.join(NAMES)}, or a folder's path.")
    return found if count is None else found.take(count, seed)


def available(root: str | Path | None = None) -> dict[str, str]:
    """For each data set its path, or that it was not found, and where: what `arae doctor` prints."""
    report = {"photos": "inside the installed packages"}
    place = data_root(root)
    report["cifar10"] = next((str(path) for path in cifar10_places(root) if path.exists()),
                             f"not found under {place}")
    report["oxford-pets"] = next((str(path) for path in oxford_pets_places(root) if path.exists()),
                                 f"not found under {place}")
    for name in NAMES[3:]:
        try:
            folder = find_folder(name, root)
            report[name] = str(folder)
            if not holds_shards(folder):
                split_folder(folder, "train")
        except FileNotFoundError as error:
            lines = str(error).splitlines()
            report[name] = f"not found under {place}" if len(lines) > 1 else lines[0]
    return report
