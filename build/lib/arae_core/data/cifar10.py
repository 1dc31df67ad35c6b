"""CIFAR-10: 50,000 + 10,000 images of 32 x 32 pixels in ten classes (Krizhevsky, "Learning multiple layers
of features from tiny images", 2009), from torchvision's files or from a folder of images."""

from __future__ import annotations

from pathlib import Path

import torch
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from arae_core.data.image_set import ImageSet
from arae_core.data.listing import list_images
from arae_core.data.places import MissingDataError, data_root, missing
from arae_core.data.resident import read_resident

_HOW = ("Online: python -c \"from arae_core.data import cifar10; cifar10('train', download=True)\" (170 MB). "
        "Offline: put the folder cifar-10-batches-py, the archive cifar-10-python.tar.gz, or images as "
        "cifar10/<split>/<class>/<image> under the data root.")


def cifar10(split: str, *, root: str | Path | None = None, download: bool = False) -> ImageSet:
    """CIFAR-10 at 32 pixels, found under `root` (else $ARAE_DATA): the original, or a folder of images.

    Order of search: `cifar-10-batches-py`, `cifar10/cifar-10-batches-py`, `cifar-10-python.tar.gz`, then
    `cifar10/<split>/<class>/<image>`; JPEG files there are lossy copies and say so in `notes`.
    The original consists of pickles; torchvision loads them only after each file's MD5 has been compared with
    its own list, so nothing but the published files is ever unpickled.

    Raises MissingDataError (a FileNotFoundError): not found, damaged, or not to be downloaded.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    place = data_root(root)
    for base in (place, place / "cifar10"):
        if (base / CIFAR10.base_folder).is_dir():
            return _original(base, split)
    if (place / CIFAR10.filename).is_file() or download:
        return _fetched(place, split)
    if (place / "cifar10").is_dir():
        listing = list_images(place / "cifar10", split)
        lossy = any(str(file).lower().endswith((".jpg", ".jpeg")) for file in listing.files)
        return read_resident("cifar10", listing, 32, "JPEG copies" if lossy else "")
    raise missing("CIFAR-10", cifar10_places(root), _HOW)


def cifar10_places(root: str | Path | None = None) -> tuple[Path, ...]:
    """Where CIFAR-10 is looked for, in this order."""
    place = data_root(root)
    return (place / CIFAR10.base_folder, place / "cifar10" / CIFAR10.base_folder, place / CIFAR10.filename,
            place / "cifar10")


def _original(base: Path, split: str) -> ImageSet:
    try:
        data = CIFAR10(str(base), train=split == "train")
    except RuntimeError as error:
        raise MissingDataError(f"CIFAR-10 at {base / CIFAR10.base_folder} is incomplete or damaged (a file "
                               f"is missing or has a wrong MD5 sum): remove that folder. {_HOW}") from error
    return ImageSet("cifar10", torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous(),
                    torch.tensor(data.targets), tuple(data.classes))


def _fetched(place: Path, split: str) -> ImageSet:
    """From the archive, downloaded to `place` if it is not there; torchvision checks its MD5, unpacks it."""
    archive = place / CIFAR10.filename
    if archive.is_file() and not check_integrity(str(archive), CIFAR10.tgz_md5):
        raise MissingDataError(f"{archive} is truncated or damaged: its MD5 is not {CIFAR10.tgz_md5}. "
                               f"Remove it. {_HOW}")
    try:
        CIFAR10(str(place), download=True)
    except (OSError, RuntimeError) as error:    # URLError is an OSError
        raise MissingDataError(f"CIFAR-10 could not be fetched into {place}: {error}. {_HOW}") from error
    return _original(place, split)
