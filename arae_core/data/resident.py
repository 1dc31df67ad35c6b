"""Small images from a folder into one tensor, decoded once and kept in the reader's store."""

import json
import warnings
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from tqdm import tqdm

from arae_core.data.folder_set import FolderSet, Reader
from arae_core.data.image_set import ImageSet
from arae_core.data.pictures import UnreadableImageError
from arae_core.store import store_dir, write_whole

_FORMAT = 2  # of the kept file and of what decoding means; goes up when either changes
_GROUP = 256  # images that a worker hands over at a time


def read_resident(files: FolderSet) -> ImageSet:
    """Every image of a folder set, scaled whole by bicubic interpolation, as a resident set.

    Files that cannot be read are left out and named in `skipped`. The decoded set is kept in the store under
    the digest of the files; a kept one that is damaged is made again.
    """
    name = f"{files.name}-{files.folder.name}-{files.image_size}-{files.digest}-{_FORMAT}.safetensors"
    path = store_dir() / "decoded" / name
    found = _kept(path, files)
    if found is None:
        found = _decoded(files)
        about = {"skipped": json.dumps(found.skipped), "digest": found.digest}
        try:
            write_whole(path, save({"images": found.images, "labels": found.labels}, about))
        except OSError as error:  # costs time at the next start, nothing else
            warnings.warn(f"decoded images not kept: {error}", stacklevel=3)
    if found.skipped:
        bad = f"{len(found.skipped)} unreadable images skipped, such as {found.skipped[0]}"
        warnings.warn(f"{files.name}: {bad}", stacklevel=3)
    return found


def _decoded(files: FolderSet) -> ImageSet:
    count, size = len(files), files.image_size
    images, labels = (
        torch.empty(count, 3, size, size, dtype=torch.uint8),
        torch.empty(count, dtype=torch.int64),
    )
    failed: dict[str, str] = {}
    groups = [list(range(count))[start : start + _GROUP] for start in range(0, count, _GROUP)]
    loader = Reader(files, filter=Image.Resampling.BICUBIC).loader(groups)
    end = 0
    quiet = count < 5000 or None  # None: a bar only where somebody can watch it
    for x, _, y, bad in tqdm(loader, f"reading {files.name}", disable=quiet):
        images[end : end + len(x)], labels[end : end + len(x)] = x, y
        end += len(x)
        failed |= bad
    skipped = tuple(failed[name] for name in files.files if name in failed)
    if end == 0:
        raise UnreadableImageError(f"not one image of {files.folder} can be read: {skipped[0]}")
    return ImageSet(files.name, images[:end], labels[:end], files.classes, files.notes, skipped)


def _kept(path: Path, files: FolderSet) -> ImageSet | None:
    """The decoded set; None where there is none, or a damaged one."""
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            skipped = tuple(json.loads(about["skipped"]))
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
        found = ImageSet(files.name, images, labels, files.classes, files.notes, skipped)
        if found.digest == about["digest"]:
            return found
        cause = "its content has changed"
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        cause = str(error)
    warnings.warn(f"decoded images {path} are damaged ({cause}); reading the originals again", stacklevel=3)
    return None
