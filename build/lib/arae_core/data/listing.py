"""What a folder of images holds: `<root>/<split>/<class>/<image>`, found without opening an image."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arae_core.data.places import MissingDataError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff")
TEST_FOLDERS = ("test", "val", "validation")


@dataclass(frozen=True, eq=False)
class Listing:
    """The images of one split, sorted by class and name.

    files   (N,) names relative to `folder` (an array of fixed-width text: workers can share it)
    labels  int64 (N,), indices into `classes`
    digest  over names and sizes, the same on every machine that holds the same files
    key     over names, sizes and times: changes when a file is replaced
    """

    folder: Path
    files: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    digest: str
    key: str


def split_folder(root: Path, split: str) -> Path:
    """`<root>/<split>`; the test split may also be called val. Raises MissingDataError."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    names = TEST_FOLDERS if split == "test" else (split,)
    there = [root / name for name in names
             if (root / name).is_dir() and any(entry.is_dir() for entry in os.scandir(root / name))]
    # Tiny ImageNet's own `test` folder has no labels; its validation images do.
    labelled = [folder for folder in there if (folder / "val_annotations.txt").is_file()]
    for folder in labelled or there:
        return folder
    raise MissingDataError(f"{root} has no folder {' or '.join(names)} with a folder for each class in it: "
                           "images are expected at <split>/<class>/<image>")


def list_images(root: Path, split: str) -> Listing:
    """The images of `<root>/<split>/<class>/`, folders inside a class included.

    The classes are those of the training split where there is one, so that both splits number them alike.
    Tiny ImageNet's own layout of its validation images (one folder and `val_annotations.txt`) is read too.
    Raises MissingDataError without a split's folder or an image in it, ValueError for a class that the
    training split lacks.
    """
    folder = split_folder(root, split)
    annotations = folder / "val_annotations.txt"
    if annotations.is_file():
        rows = [line.split("\t")[:2] for line in annotations.read_text().splitlines() if line.strip()]
        class_of = {f"images/{name}": label for name, label in rows}
    else:
        class_of = None
    trained = root / "train"
    classes = _folders(trained if trained.is_dir() else folder) or _folders(folder)
    number = {name: index for index, name in enumerate(classes)}
    found: list[tuple[int, str, int, int]] = []
    strangers: set[str] = set()
    for relative, entry in _walk(folder, ""):
        label = class_of.get(relative) if class_of is not None else relative.partition("/")[0]
        if label is None or (class_of is None and "/" not in relative):
            continue
        if label not in number:
            strangers.add(label)
            continue
        try:
            about = entry.stat()
            found.append((number[label], relative, about.st_size, about.st_mtime_ns))
        except OSError:    # a link to nowhere: listed, so that it is counted when it cannot be opened
            found.append((number[label], relative, -1, 0))
    if strangers:
        raise ValueError(f"{folder} has classes that {trained} lacks: {', '.join(sorted(strangers)[:5])}")
    if not found:
        raise MissingDataError(f"{folder} holds no image in its class folders ({', '.join(ENDINGS)})")
    found.sort()
    digest, key = hashlib.sha256(repr(classes).encode()), hashlib.sha256(str(folder.resolve()).encode())
    for label, relative, size, time in found:
        digest.update(f"{label}/{relative}/{size};".encode())
        key.update(f"{label}/{relative}/{size}/{time};".encode())
    return Listing(folder, np.array([row[1] for row in found]), np.array([row[0] for row in found]), classes,
                   digest.hexdigest()[:16], key.hexdigest()[:16])


def _folders(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in os.scandir(folder)
                        if entry.is_dir() and not entry.name.startswith(".")))


def _walk(folder: Path, prefix: str):
    """(relative name, entry) of every image under a folder; hidden files and folders are passed over."""
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        elif entry.name.lower().endswith(ENDINGS):
            yield prefix + entry.name, entry
