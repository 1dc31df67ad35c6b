"""ImageNet-sized folders without decoding: pictures cut out of shards (`shards.py`), used like a FolderSet.

The passes are FolderSet's: the same order, augmentations and random numbers for the same seed. Where a
picture was not scaled down for its shard, the pixels are FolderSet's to the last bit. Where it was, a crop is
taken from a picture whose shorter side has 256 pixels (for images of 224) and not from the original, as is
common practice: boxes are the same up to rounding, and what "paper" cuts below 224 pixels is less sharp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms

from arae_core.data.folder_set import FolderSet, _collate, _cores, _Reader
from arae_core.data.pictures import to_uint8
from arae_core.data.shards import (
    FORMAT,
    ShardError,
    check,
    columns,
    how_to_make,
    needed_side,
    read_index,
    shard_bytes,
    shard_path,
)
from arae_core.seeds import derive_seed


@dataclass(eq=False, kw_only=True)
class ShardSet(FolderSet):
    """Labelled pictures in shards; a FolderSet in every respect but where the pixels come from.

    folder    that of the split's shards;  files  (N,) what the pictures were called in the source
    places    int64 (N, 4): shard, offset in it, height, width (0 and 0: the source could not be read)
    modified  each shard's time in nanoseconds, by which one made again is told from one still mapped
    skipped   the unreadable files, known from the start; they keep their places in the order of a pass

    Worker processes outlive a pass and end with the set. On a CUDA device up to four batches a worker wait in
    pinned memory, as bytes; they are divided by 255 there.
    """

    places: np.ndarray
    modified: tuple[int, ...]
    _idle: list[DataLoader] = field(default_factory=list, init=False)

    def __repr__(self) -> str:
        return f"ShardSet({self.name!r}, {len(self)} files in {len(self.classes)} classes at {self.folder})"

    def _subset(self, indices: Tensor, how: str) -> ShardSet:
        smaller = super()._subset(indices, how)
        lost = {name: self._skipped[name] for name in smaller.files.tolist() if name in self._skipped}
        return replace(smaller, places=self.places[indices.numpy()], _skipped=lost)

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """As `FolderSet.batch`: scaled whole, unreadable files left out."""
        chosen = torch.arange(len(self))[indices].tolist()
        return self._deliver(_collate(_ShardReader(self).__getitems__(("none", 0, chosen))))

    def _pass(self, loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
        """The pass that `FolderSet.batches` has checked and ordered, read by this set's own workers."""
        asked = loader.dataset
        own = self._idle.pop() if self._idle else self._loader()    # two passes at once: each its own workers
        own.batch_sampler[:] = [(asked.augment, asked.seed, group) for group in loader.batch_sampler]
        try:
            yield from super()._pass(own)
        finally:
            self._idle.append(own)

    def _loader(self) -> DataLoader:
        workers = min(8, _cores()) if self.workers is None else self.workers
        return DataLoader(_ShardReader(self), batch_sampler=[], num_workers=workers, collate_fn=_collate,
                          pin_memory=self.device.type == "cuda", persistent_workers=workers > 0,
                          prefetch_factor=4 if workers else None, generator=torch.Generator())


def shard_set(folder: str | Path, split: str, *, image_size: int, workers: int | None = None) -> ShardSet:
    """The pictures of a split ("train" or "test") in a folder that `arae shards` made.

    Any image_size up to the one they were made for. Raises ShardError (a ValueError) for shards that are
    missing, cut short, changed, unfinished, of another format or too small, and says how to make them;
    MissingDataError without shards of this split.
    """
    if type(image_size) is not int or image_size < 1:
        raise ValueError(f"image_size must be a positive integer, not {image_size!r}")
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    place = Path(folder).expanduser() / split
    index = read_index(place)
    side = index["shorter_side"]
    if needed_side(image_size) > side:
        other = place.parent.with_name(f"{place.parent.name}-{image_size}")
        raise ShardError(f"images of {image_size} pixels want pictures of {needed_side(image_size)} on the "
                         f"shorter side, and the shards in {place} hold {side}; "
                         f"{how_to_make(index['source'], image_size, other)} makes larger ones")
    check(place, index)
    names, rows = columns(index)
    digest = derive_seed(image_size, FORMAT, index["digest"], *(shard["sha256"] for shard in index["shards"]))
    notes = "; ".join(filter(None, [index["notes"], f"scaled once to {side} pixels on the shorter side"]))
    lost = {name: reason for shard in index["shards"] for name, reason in shard["skipped"].items()}
    labels, places = torch.from_numpy(rows[:, 0].copy()), rows[:, 1:].copy()
    return ShardSet(index["name"], place, names, labels, tuple(index["classes"]), image_size,
                    f"{digest:016x}", notes, workers=workers, _skipped=lost, places=places,
                    modified=tuple(shard["modified"] for shard in index["shards"]))


class _ShardReader(_Reader):
    """One picture by index, as from _Reader, which decodes. A request brings augmentation and seed with it,
    so that the workers that hold this can stay for the next pass."""

    def __init__(self, data: ShardSet) -> None:
        super().__init__(data, "none", 0)
        self.places, self.modified, self.lost = data.places, data.modified, dict(data._skipped)

    def __getitems__(self, request: tuple[str, int, list[int]]) -> list:
        self.augment, self.seed, indices = request
        return [self[index] for index in indices]

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int] | tuple[str, str]:
        name = str(self.files[index])
        if name in self.lost:
            return name, self.lost[name]
        shard, offset, height, width = self.places[index].tolist()
        stored = shard_bytes(str(shard_path(self.folder, shard)), self.modified[shard])
        pixels = stored[offset:offset + 3 * height * width].reshape(height, width, 3)
        if self.augment == "paper":
            image, alpha = self._paper(pixels, index)
        else:    # whole: what PIL rounds depends on the rows beside the box too
            whole, alpha = Image.fromarray(pixels), torch.empty(0)
            image = whole.resize((self.size, self.size), Image.Resampling.BILINEAR, box=self._box(whole))
        return to_uint8(image), alpha, int(self.labels[index])

    def _paper(self, pixels: np.ndarray, index: int) -> tuple[Image.Image, Tensor]:
        """_Reader's draws, in its order; the crop is taken by hand, so that no other row is read."""
        crop = transforms.RandomResizedCrop(self.size)
        height, width, _ = pixels.shape
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.seed, "image", index))
            unread = torch.empty(3, height, width, device="meta")
            top, left, tall, wide = crop.get_params(unread, crop.scale, crop.ratio)
            image = Image.fromarray(pixels[top:top + tall, left:left + wide])
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
            image = transforms.RandomHorizontalFlip()(image)
            image = transforms.ColorJitter(0.1, 0.1, 0.1)(image)
            return image, torch.randn(3) * 0.05
