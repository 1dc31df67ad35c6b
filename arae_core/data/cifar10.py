"""CIFAR-10: 50,000 + 10,000 images of 32 x 32 pixels in ten classes (Krizhevsky, "Learning multiple layers
of features from tiny images", 2009), from torchvision's files or from a folder of images."""

from pathlib import Path

import torch
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from arae_core.data.folder_set import resident
from arae_core.data.folders import folder_set
from arae_core.data.image_set import ImageSet
from arae_core.data.places import MissingDataError, Root, check_split, data_root, missing

_HOW = (
    "Online: python -c \"from arae_core.data import cifar10; cifar10('train', download=True)\" (170 MB). "
    "Offline: put the folder cifar-10-batches-py, the archive cifar-10-python.tar.gz, or images as "
    "cifar10/<split>/<class>/<image> under the data root."
)


def cifar10(split: str, *, root: Root = None, download: bool = False) -> ImageSet:
    """CIFAR-10 at 32 pixels, found under `root` (else $ARAE_DATA): the original, or a folder of images.

    Order of search: `cifar-10-batches-py`, `cifar10/cifar-10-batches-py`, `cifar-10-python.tar.gz`, then
    `cifar10/<split>/<class>/<image>`; JPEG files there are lossy copies and say so in `notes`.
    The original consists of pickles; torchvision loads them only after each file's MD5 has been compared with
    its own list, so nothing but the published files is ever unpickled.

    Raises MissingDataError (a FileNotFoundError): not found, damaged, or not to be downloaded.
    """
    check_split(split)
    unpacked, inside, archive, folder = cifar10_places(root)
    if unpacked.is_dir() or inside.is_dir():
        return _original((unpacked if unpacked.is_dir() else inside).parent, split)
    if archive.is_file() and not check_integrity(str(archive), CIFAR10.tgz_md5):
        raise MissingDataError(f"{archive} is truncated or damaged: its MD5 is not {CIFAR10.tgz_md5}. {_HOW}")
    if archive.is_file() or download:
        return _original(archive.parent, split, download=True)  # from the archive where it is there
    if not folder.is_dir():
        raise missing("CIFAR-10", cifar10_places(root), _HOW)
    found = folder_set(folder, split, 32)
    if any(file.lower().endswith((".jpg", ".jpeg")) for file in found.files):
        found.notes = "JPEG copies"
    return resident(found)


def cifar10_places(root: Root = None) -> tuple[Path, Path, Path, Path]:
    """Where CIFAR-10 is looked for, in this order."""
    place, folder = data_root(root), data_root(root) / "cifar10"
    return place / CIFAR10.base_folder, folder / CIFAR10.base_folder, place / CIFAR10.filename, folder


def _original(base: Path, split: str, download: bool = False) -> ImageSet:
    try:
        data = CIFAR10(str(base), train=split == "train", download=download)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong MD5 a RuntimeError
        raise MissingDataError(
            f"CIFAR-10 in {base} could not be fetched, lacks a file, or has one with a wrong MD5 (remove "
            f"{CIFAR10.base_folder} then): {error}. {_HOW}"
        ) from error
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous()
    return ImageSet("cifar10", images, torch.tensor(data.targets), tuple(data.classes))
