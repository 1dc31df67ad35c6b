"""`arae shards`: a folder of images decoded and scaled once, into shards (`shards.py`) to cut from.

Pictures whose shorter side is above 8/7 of the image size (256 for 224, what A's test images are cut from)
are scaled down to it, bilinear as there; smaller ones are kept as they are. Bytes instead of JPEG take room: at
256 x 341, ImageNet's 1.28 million training pictures are 335 GB. So the room is estimated first.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image
from tqdm import tqdm

from arae_core.data.folder_set import _cores
from arae_core.data.folders import _KNOWN, find_folder
from arae_core.data.listing import Listing, list_images, split_folder
from arae_core.data.pictures import UnreadableImageError, open_rgb
from arae_core.data.places import MissingDataError
from arae_core.data.shards import (
    FORMAT,
    HEADER,
    INDEX,
    ShardError,
    fault,
    holds_shards,
    needed_side,
    read_index,
    shard_path,
)

SHARD_BYTES = 1024**3    # a shard holds as many pictures as fit if their longer side is twice the shorter


def make_shards(name: str | Path, *, image_size: int, out: str | Path | None = None,
                root: str | Path | None = None, jobs: int | None = None) -> list[str]:
    """Shards of every split (train, test) of an image folder; one line about each.

    name  a folder `<split>/<class>/<image>`, or "imagenet" or "tiny-imagenet" under the data root
    out   where to [default: beside the folder, as <folder>-shards-<image_size>]
    jobs  threads that decode [default: one a core]

    What is finished is kept: a run that was stopped goes on with the first shard that is not whole, and one
    with nothing left to do writes nothing. Raises MissingDataError for a folder without images,
    UnreadableImageError if none can be read, ShardError for too little space or an `out` that holds something
    else.
    """
    folder = find_folder(name, root)
    if holds_shards(folder):
        raise ShardError(f"{folder} holds shards already: name the folder of images")
    listings = _listings(folder)
    out = Path(out or folder.with_name(f"{folder.name}-shards-{image_size}")).expanduser()
    _refuse_strangers(out)
    plans = [_Plan(listing, split, _about(str(name), folder, split, listing, image_size), out)
             for split, listing in listings.items()]
    _refuse_without_room(out, sum(plan.bytes_wanted() for plan in plans))
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0), ThreadPoolExecutor(jobs or _cores()) as pool:
            return [plan.carry_out(pool, 16 * (jobs or _cores())) for plan in plans]
    except Timeout:
        raise ShardError(f"another arae shards is writing to {out}") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ShardError(f"no space left at {out}; the finished shards are kept: make room, and the same "
                         "command goes on") from error


class _Plan:
    """One split: what of it is finished, and what is to be made.

    about  the head of the index;  done  finished shards by number, as the index has them
    """

    def __init__(self, listing: Listing, split: str, about: dict[str, Any], out: Path) -> None:
        self.listing, self.about, self.folder = listing, about, out / split
        count, per_shard = len(listing.files), about["per_shard"]
        self.stretches = [range(start, min(start + per_shard, count)) for start in range(0, count, per_shard)]
        self.done = {number: shard for number, shard in self._written().items()
                     if fault(shard_path(self.folder, number), shard) is None}
        self.missing = [number for number in range(len(self.stretches)) if number not in self.done]

    def _written(self) -> dict[int, dict[str, Any]]:
        """Shards that the index, or the notes of a run that was stopped, speak of."""
        found, heads = {}, []
        if (self.folder / INDEX).is_file():
            index = read_index(self.folder)
            found = dict(enumerate(index.pop("shards")))
            heads.append(index)
        for path in self.folder.glob("shard-*.json"):
            with suppress(ValueError, KeyError):    # damaged: the shard counts as not made
                shard = json.loads(path.read_text(encoding="utf-8"))
                heads.append(shard.pop("about"))
                found[int(path.stem.partition("-")[2])] = shard
        for head in heads:
            other = [key for key in self.about if head.get(key) != self.about[key]]
            if other:
                raise ShardError(f"{self.folder} holds shards made from something else ({other[0]} was "
                                 f"{str(head.get(other[0]))[:60]}, is {str(self.about[other[0]])[:60]}): "
                                 "give another --out, or delete it")
        return found

    def bytes_wanted(self) -> int:
        """Bytes still to be written, from the sizes of 64 pictures all over the listing (not decoded)."""
        indices = np.concatenate([self.stretches[number] for number in self.missing] or [[]]).astype(int)
        sizes = []
        for index in indices[::max(1, len(indices) // 64)]:
            try:
                with Image.open(self.listing.folder / str(self.listing.files[index])) as image:
                    sizes.append(3 * np.prod(_scaled_size(*image.size, self.about["shorter_side"])))
            except Exception:    # no picture, takes no room
                sizes.append(0)
        return int(np.mean(sizes) * len(indices)) if sizes else 0

    def carry_out(self, pool: ThreadPoolExecutor, at_once: int) -> str:
        """Make what is missing, then the index."""
        self.folder.mkdir(exist_ok=True)
        count = sum(len(self.stretches[number]) for number in self.missing)
        with tqdm(total=count, desc=self.about["split"], disable=count < 5000 or None) as bar:
            for number in self.missing:
                shard = self._write(number, pool, at_once, bar.update)
                self.done[number] = shard
                notes = shard_path(self.folder, number).with_suffix(".json")
                _write_json(notes, shard | {"about": self.about})
        shards = [self.done[number] for number in range(len(self.stretches))]
        lost = [reason for shard in shards for reason in shard["skipped"].values()]
        if len(lost) == len(self.listing.files):
            raise UnreadableImageError(f"not one image of {self.listing.folder} can be read: {lost[0]}")
        if self.missing or not (self.folder / INDEX).is_file():
            _write_json(self.folder / INDEX, self.about | {"shards": shards})
        for path in self.folder.glob("shard-*.json"):
            path.unlink()
        made = f"{count:,} pictures decoded" if self.missing else "nothing to do"
        skipped = f", {len(lost)} unreadable left out, such as {lost[0]}" if lost else ""
        size = sum(shard["bytes"] for shard in shards) / 1e9
        kept = len(self.listing.files) - len(lost)
        return f"{self.folder}: {made}; {kept:,} pictures in {len(shards)} shards, {size:.2f} GB{skipped}"

    def _write(self, number: int, pool: ThreadPoolExecutor, at_once: int,
               advance: Callable[[int], Any]) -> dict[str, Any]:
        """One shard: under another name until it is whole."""
        path = shard_path(self.folder, number)
        part = path.with_suffix(".part")
        stretch = self.stretches[number]
        files = [str(name) for name in self.listing.files[stretch.start:stretch.stop]]
        shapes, offsets, skipped, sha = [], [], {}, hashlib.sha256()
        try:
            with part.open("wb") as file:
                file.write(bytes(HEADER))
                for name, read in zip(files, self._decoded(files, pool, at_once), strict=True):
                    offsets.append(file.tell() - HEADER)
                    if isinstance(read, str):
                        skipped[name] = read
                        shapes.append((0, 0))
                    else:
                        file.write(read)
                        sha.update(read)
                        shapes.append(read.shape[:2])
                    advance(1)
                size = file.tell()
                file.seek(0)
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "|u1", "fortran_order": False, "shape": (size - HEADER,)})
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        heights, widths = zip(*shapes, strict=True)
        return {"bytes": size, "sha256": sha.hexdigest(), "modified": path.stat().st_mtime_ns, "files": files,
                "labels": self.listing.labels[stretch.start:stretch.stop].tolist(), "offsets": offsets,
                "heights": heights, "widths": widths, "skipped": skipped}

    def _decoded(self, files: list[str], pool: ThreadPoolExecutor,
                 at_once: int) -> Iterator[np.ndarray | str]:
        """uint8 (H, W, 3) of each file, or why it cannot be read; not more than `at_once` are held."""
        def read(name: str) -> np.ndarray | str:
            try:
                image = open_rgb(self.listing.folder / name)
            except UnreadableImageError as error:
                return str(error)
            size = _scaled_size(*image.size, self.about["shorter_side"])
            return np.array(image if size == image.size else image.resize(size, Image.Resampling.BILINEAR))

        for start in range(0, len(files), at_once):
            yield from pool.map(read, files[start:start + at_once])


def _scaled_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height once the shorter is at most `side`."""
    scale = min(1.0, side / min(width, height))
    return round(width * scale), round(height * scale)


def _listings(folder: Path) -> dict[str, Listing]:
    """The splits that there are. Raises MissingDataError if there is none, or one has no image."""
    def is_there(split: str) -> bool:
        try:
            return split_folder(folder, split).is_dir()
        except MissingDataError:
            return False

    there = [split for split in ("train", "test") if is_there(split)]
    return {split: list_images(folder, split) for split in there or ["train"]}


def _about(name: str, folder: Path, split: str, listing: Listing, image_size: int) -> dict[str, Any]:
    """The head of a split's index: everything that decides what its shards hold."""
    side = needed_side(image_size)
    known = _KNOWN.get(name)
    whole = known is None or len(listing.classes) == known[1]
    return {"format": FORMAT, "name": name if known else folder.name, "split": split,
            "notes": "" if whole else f"{len(listing.classes)} of {known[1]} classes",
            "image_size": image_size, "shorter_side": side, "per_shard": max(1, SHARD_BYTES // (6 * side**2)),
            "source": str(folder.resolve()), "digest": listing.digest, "listing": listing.key,
            "classes": list(listing.classes)}


def _refuse_strangers(out: Path) -> None:
    """`out` is new, or holds nothing but shards."""
    if out.exists() and not out.is_dir():
        raise ShardError(f"{out} is a file: give another --out")
    for path in (*out.glob("*"), *out.glob("train/*"), *out.glob("test/*")):
        ours = path.name in ("train", "test", ".lock") if path.parent == out else (
            path.name.startswith((INDEX, "shard-")) and path.is_file())
        if not ours:
            raise ShardError(f"{out} holds something else than shards ({path.name}): give another --out")


def _refuse_without_room(out: Path, wanted: int) -> None:
    there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if wanted > free:
        raise ShardError(f"the shards need about {_size(wanted)} and {_size(free)} are free at {there}: make "
                         "room, or give --out on another disk")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _write_json(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
