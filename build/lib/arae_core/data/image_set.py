"""A whole data set as one uint8 tensor, on whatever device does the work.

Images this small are read faster than a data loader's workers can pass them on: CIFAR-10 is 150 MB. So
shuffling, cropping and flipping are indexing, a batch at a time, where the tensor lies; on a GPU nothing
waits for the host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

Augment = Literal["none", "flip", "crop+flip"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images of one size.

    images   uint8 (N, 3, S, S), on any device
    labels   int64 (N,), on the same device, indices into `classes`
    notes    what has to be said beside every number made with this set, such as "JPEG copies"
    skipped  files that could not be read, each with its reason

    Raises ValueError when the tensors do not fit together.
    """

    name: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    notes: str = ""
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        if self.images.dtype != torch.uint8 or len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
            raise ValueError(f"{self.name}: images must be uint8 (N, 3, S, S), "
                             f"not {self.images.dtype} {shape}")
        if self.labels.dtype != torch.int64 or tuple(self.labels.shape) != shape[:1]:
            raise ValueError(f"{self.name}: labels must be int64 ({shape[0]},), "
                             f"not {self.labels.dtype} {tuple(self.labels.shape)}")
        if shape[0] == 0:
            raise ValueError(f"{self.name}: a set without images")
        if not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise ValueError(f"{self.name}: a label lies outside its {len(self.classes)} classes")

    def __len__(self) -> int:
        return self.images.shape[0]

    def __repr__(self) -> str:
        return (f"ImageSet({self.name!r}, {len(self)} images of {self.image_size} px in {len(self.classes)} "
                f"classes on {self.images.device}{', ' + self.notes if self.notes else ''})")

    @property
    def image_size(self) -> int:
        """Side of an image in pixels."""
        return self.images.shape[-1]

    @cached_property
    def digest(self) -> str:
        """16 hex digits of the SHA-256 of images, labels and class names: what a number was made with."""
        sha = hashlib.sha256(repr((tuple(self.images.shape), self.classes)).encode())
        sha.update(self.images.cpu().contiguous().numpy())
        sha.update(self.labels.cpu().contiguous().numpy())
        return sha.hexdigest()[:16]

    def to(self, device: torch.device | str) -> ImageSet:
        """The same set with its tensors on `device`."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def take(self, n: int, seed: int = 0) -> ImageSet:
        """`n` of the images, drawn with `seed`: as many of each class as there are to be had, in turn."""
        return self._subset(balanced(self.labels, n, seed))

    def only(self, class_name: str) -> ImageSet:
        """The images of one class. Labels and `classes` keep their meaning."""
        if class_name not in self.classes:
            raise ValueError(f"{self.name} has no class {class_name!r}; it has {', '.join(self.classes)}")
        members = (self.labels == self.classes.index(class_name)).nonzero().flatten()
        if len(members) == 0:
            raise ValueError(f"{self.name} holds no image of class {class_name!r}")
        return self._subset(members)

    def _subset(self, indices: Tensor) -> ImageSet:
        indices = indices.to(self.images.device)
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """x float32 (B, 3, S, S) in [0, 1] and y int64 (B,) of the images at `indices`."""
        if not isinstance(indices, slice):
            indices = torch.as_tensor(indices, device=self.images.device)
        return _to_float(self.images[indices]), self.labels[indices]

    def batches(self, batch_size: int, *, seed: int | None = None, augment: Augment = "none",
                drop_last: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass over the set: x float32 (B, 3, S, S) in [0, 1] and y int64 (B,), batch after batch.

        Without a seed: in order, as they are. With one: shuffled, and augmented by a horizontal flip of half
        of the images and (crop+flip) a shift of up to S/8 pixels, the border mirrored. Everything random is
        drawn on the CPU from `seed` alone, so that a pass is the same on every device and in every process.

        Raises ValueError for an unknown augmentation, or for one without a seed.
        """
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        if augment not in ("none", "flip", "crop+flip"):
            raise ValueError(f"augment must be 'none', 'flip' or 'crop+flip', not {augment!r}")
        if augment != "none" and seed is None:
            raise ValueError(f"augment={augment!r} draws at random and needs a seed")
        end = len(self) - len(self) % batch_size if drop_last else len(self)
        slices = [slice(start, min(start + batch_size, end)) for start in range(0, end, batch_size)]
        if seed is None:
            return (self.batch(part) for part in slices)
        return self._shuffled(slices, seed, augment)

    def _shuffled(self, slices: list[slice], seed: int, augment: Augment) -> Iterator[tuple[Tensor, Tensor]]:
        n, size, device = len(self), self.image_size, self.images.device
        generator = torch.Generator().manual_seed(seed)
        order = _send(torch.randperm(n, generator=generator), device)
        flip = _send(torch.rand(n, generator=generator) < 0.5, device)
        reach = size // 8 if augment == "crop+flip" else 0
        shift = _send(torch.randint(-reach, reach + 1, (2, n), generator=generator), device)
        line = torch.arange(size, device=device)
        for part in slices:
            if augment == "none":
                yield self.batch(order[part])
                continue
            columns = torch.where(flip[part, None], line.flip(0), line)
            rows = _mirror(line + shift[0, part, None], size)
            columns = _mirror(columns + shift[1, part, None], size)
            yield _to_float(_gather(self.images[order[part]], rows, columns)), self.labels[order[part]]


def balanced(labels: Tensor, n: int, seed: int) -> Tensor:
    """Indices (n,) of a random subset in which no class is ahead of one that still has members to give."""
    if type(n) is not int or not 1 <= n <= len(labels):
        raise ValueError(f"cannot take {n} of {len(labels)} images")
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    labels = labels.cpu()[shuffled]
    by_class = labels.argsort(stable=True)
    first = torch.searchsorted(labels[by_class], labels[by_class])
    turn = torch.empty_like(labels)    # the how-manieth of its class an image is
    turn[by_class] = torch.arange(len(labels)) - first
    return shuffled[turn.argsort(stable=True)[:n]]


def _mirror(position: Tensor, size: int) -> Tensor:
    """Positions outside 0 .. size-1 reflected at the edge pixel (which is not repeated)."""
    return (size - 1) - ((size - 1) - position.abs()).abs()


def _gather(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """images (B, C, S, S) read at rows (B, S) and columns (B, S) of each."""
    b, c, s, _ = images.shape
    flat = (rows[:, :, None] * s + columns[:, None, :]).reshape(b, 1, s * s).expand(b, c, s * s)
    return images.reshape(b, c, s * s).gather(2, flat).reshape(b, c, s, s)


def _to_float(images: Tensor) -> Tensor:
    return images.to(torch.float32).div_(255)


def _send(values: Tensor, device: torch.device) -> Tensor:
    """To the device; for a GPU from pinned memory, so that the host does not wait."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)
