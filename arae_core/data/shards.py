"""A folder of shards: pictures decoded and scaled once, and an index to tell whether all are still there.

A shard is a NumPy file of bytes with one picture after another, each height x width x 3, RGB:

    <folder>/<split>/shard-00000.npy, shard-00001.npy, ...
    <folder>/<split>/index.json    how they were made (format, shorter_side, image_size, classes, source), and
                                   of each shard its bytes, time and SHA-256 (without NumPy's header), and of
                                   each of its pictures the file it was, label, offset after that header,
                                   height and width (0 and 0 if unreadable)

Written by `sharding`, read by `shard_set`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from arae_core.data.places import MissingDataError

FORMAT = 1    # of the files, and of what scaling means; goes up when either changes
INDEX = "index.json"
HEADER = 128    # bytes before the first picture: NumPy's header of a flat array, always padded to this
COLUMNS = ("labels", "offsets", "heights", "widths")
HEAD_ENTRIES = {"name", "notes", "image_size", "shorter_side", "source", "digest", "classes", "shards"}
SHARD_ENTRIES = {"bytes", "sha256", "modified", "files", "skipped", *COLUMNS}


class ShardError(ValueError):
    """Shards that cannot be used or made: which file, why, and the command that makes them."""


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05}.npy"


def holds_shards(folder: Path) -> bool:
    """Whether a folder is one of shards, finished or not."""
    return any((folder / split / INDEX).is_file() or next((folder / split).glob("shard-*.npy"), None)
               for split in ("train", "test"))


def needed_side(image_size: int) -> int:
    """Shorter side that the middle square of "center" and the crops of "paper" want: 256 pixels for 224."""
    return -(-image_size * 8 // 7)


def how_to_make(source: str, image_size: int, out: Path) -> str:
    """The command that makes what is missing; what is sound is kept."""
    return f"arae shards {shlex.quote(source)} --image-size {image_size} --out {shlex.quote(str(out))}"


def read_index(folder: Path) -> dict[str, Any]:
    """The index of one split's folder, in this code's format.

    Raises MissingDataError where the split has no shards, ShardError for an unfinished folder, a damaged
    index or one of another format.
    """
    path = folder / INDEX
    again = f"delete {folder.parent} and make the shards again with arae shards"
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise ShardError(f"{path} is of format {index['format']}, this code reads {FORMAT}: {again}")
        if not index["shards"] or not HEAD_ENTRIES <= index.keys():
            raise ValueError("entries are missing")
        if not all(SHARD_ENTRIES <= shard.keys() for shard in index["shards"]):
            raise ValueError("entries of a shard are missing")
    except ShardError:
        raise
    except FileNotFoundError:
        if next(folder.glob("shard-*.npy"), None):
            raise ShardError(f"the shards in {folder} are not finished: give the command that began them "
                             f"again, arae shards FOLDER --out {folder.parent}, and it goes on") from None
        raise MissingDataError(f"{folder.parent} has no shards of the split {folder.name!r}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShardError(f"the index {path} is damaged ({type(error).__name__}: {error}): {again}") from error
    return index


def check(folder: Path, index: dict[str, Any]) -> None:
    """Every shard of a split is there, whole and unchanged; else ShardError with its name.

    Sizes and times are compared always, contents only where the time is another (a copied folder): then the
    SHA-256 is computed once and, if it is right, the file's time set to that in the index.
    """
    shards = index["shards"]
    with ThreadPoolExecutor() as pool:
        faults = pool.map(fault, (shard_path(folder, number) for number in range(len(shards))), shards)
        found = [text for text in faults if text]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        again = how_to_make(index["source"], index["image_size"], folder.parent)
        raise ShardError(f"{found[0]}{more}; {again} makes it again and keeps the others")


def fault(path: Path, shard: dict[str, Any]) -> str | None:
    """What is wrong with a shard's file, or None."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return f"the shard {path} is missing"
    if about.st_size != shard["bytes"]:
        return f"the shard {path} has {about.st_size:,} bytes where the index says {shard['bytes']:,}"
    if about.st_mtime_ns != shard["modified"]:
        with path.open("rb") as file:
            file.seek(HEADER)
            if hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
                return f"the shard {path} has changed since it was written"
        try:
            os.utime(path, ns=(about.st_atime_ns, shard["modified"]))
        except OSError:    # somebody else's files: checked again the next time
            pass
    return None


def columns(index: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """names (N,), and rows int64 (N, 5): label, shard, offset, height, width. Raises ShardError."""
    names, rows = [], []
    try:
        for number, shard in enumerate(index["shards"]):
            label, offset, height, width = (np.array(shard[name], dtype=np.int64) for name in COLUMNS)
            end = offset + 3 * height * width
            room = shard["bytes"] - HEADER
            if len(shard["files"]) != len(label) or offset.min() < 0 or end.max() > room:
                raise ValueError(f"shard {number} is shorter than its pictures")
            if not 0 <= label.min() <= label.max() < len(index["classes"]):
                raise ValueError(f"a label of shard {number} is of no class")
            names += shard["files"]
            rows.append(np.stack([label, np.full_like(label, number), offset, height, width], axis=1))
        return np.array(names), np.concatenate(rows)
    except (ValueError, KeyError, TypeError) as error:
        raise ShardError(f"the index of the shards made from {index['source']} is damaged ({error}): delete "
                         "the folder and make them again with arae shards") from error


@lru_cache(maxsize=256)    # an open map holds a file handle, and a process may have 1024
def shard_bytes(path: str, modified: int) -> np.ndarray:
    """The bytes of a shard, uint8 (n,), mapped into memory and not read; `modified`, so that one made again
    is opened anew."""
    return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
