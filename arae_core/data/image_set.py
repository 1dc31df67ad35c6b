"""A whole data set as one uint8 tensor, on whatever device does the work.

Images this small are read faster than a data loader's workers can pass them on: CIFAR-10 is 150 MB. So shuffling,
cropping and flipping are indexing, a batch at a time, where the tensor lies; on a GPU nothing waits for the host.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from arae_core.data.images import check_pass, members
from arae_core.data.places import check_integer
from arae_core.seeds import derive_seed


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images of one size.

    Attributes:
        images: uint8 (N, 3, S, S), on any device
        labels: int64 (N,), on the same device, indices into `classes`
        notes: what has to be said beside every number made with this set, such as "JPEG copies"
        skipped: files that could not be read, each with its reason

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
            raise ValueError(f"{self.name}: images are uint8 (N, 3, S, S), not {self.images.dtype} {shape}")
        if self.labels.dtype != torch.int64 or tuple(self.labels.shape) != shape[:1]:
            found = f"{self.labels.dtype} {tuple(self.labels.shape)}"
            raise ValueError(f"{self.name}: labels must be int64 ({shape[0]},), not {found}")
        if shape[0] == 0:
            raise ValueError(f"{self.name}: a set without images")
        if not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise ValueError(f"{self.name}: a label lies outside its {len(self.classes)} classes")

    def __len__(self) -> int:
        return self.images.shape[0]

    def __repr__(self) -> str:
        what = f"{len(self)} images of {self.image_size} px in {len(self.classes)} classes on {self.images.device}"
        return f"{type(self).__name__}({self.name!r}, {what}{', ' + self.notes if self.notes else ''})"

    @property
    def image_size(self) -> int:
        """Side of an image in pixels."""
        return self.images.shape[-1]

    @cached_property
    def digest(self) -> str:
        """16 hex digits of the SHA-256 of images, labels and class names, to say what a number was made with."""
        return self._digest()

    def _digest(self) -> str:
        sha = hashlib.sha256(repr((tuple(self.images.shape), self.classes)).encode())
        sha.update(self.images.cpu().contiguous().numpy().data)
        sha.update(self.labels.cpu().contiguous().numpy().data)
        return sha.hexdigest()[:16]

    def to(self, device: torch.device | str) -> Self:
        """The same set with its tensors on `device`."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def take(self, n: int, seed: int = 0) -> Self:
        """`n` of the images, drawn with `seed`: as many of each class as there are to be had, in turn."""
        return self._subset(balanced(self.labels, n, seed))

    def only(self, class_name: str) -> Self:
        """The images of one class. Labels and `classes` keep their meaning."""
        return self._subset(members(self, class_name))

    def _subset(self, indices: Tensor) -> Self:
        indices = indices.to(self.images.device)
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """x float32 (B, 3, S, S) in [0, 1] and y int64 (B,) of the images at `indices`."""
        if not isinstance(indices, slice):
            indices = torch.as_tensor(indices, device=self.images.device)
        return self._pixels(self.images[indices]), self.labels[indices]

    def batches(
        self, batch_size: int, *, seed: int | None = None, augment: str = "none", drop_last: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass over the set: x float32 (B, 3, S, S) in [0, 1] and y int64 (B,), batch after batch.

        Without a seed: in order, as they are. With one: shuffled, and augmented ("flip") by a horizontal flip of half
        of the images and ("crop+flip") a shift of up to S/8 pixels, the border mirrored. Everything random is
        drawn on the CPU from `seed` alone, so that a pass is the same on every device and in every process.

        Raises ValueError for an unknown augmentation, or for one without a seed.
        """
        check_pass(batch_size, augment, seed, "none", drawn=("flip", "crop+flip"))
        end = len(self) - len(self) % batch_size if drop_last else len(self)
        slices = [slice(start, min(start + batch_size, end)) for start in range(0, end, batch_size)]
        if seed is None:
            return (self.batch(part) for part in slices)
        return self._shuffled(slices, seed, augment)

    def _shuffled(self, slices: list[slice], seed: int, augment: str) -> Iterator[tuple[Tensor, Tensor]]:
        n, size, device = len(self), self.images.shape[-1], self.images.device
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
            yield self._pixels(_gather(self.images[order[part]], rows, columns)), self.labels[order[part]]

    def _pixels(self, images: Tensor) -> Tensor:
        return images.to(torch.float32).div_(255)


@dataclass(frozen=True, eq=False, repr=False)
class ResizedSet(ImageSet):
    """Images that come out of `batch` and `batches` `side` pixels square: CIFAR-10's at 224 pixels, as A uses them.

    `images` stay as they are (50,000 at 224 pixels would take 7.5 GB, most of it interpolation) and are augmented
    before they are scaled: bilinear, antialiased where it reduces, as A's torchvision resizes; corners not aligned.
    """

    side: int = 0

    @property
    def image_size(self) -> int:
        return self.side

    def _digest(self) -> str:
        return f"{derive_seed(self.side, super()._digest()):016x}"

    def _pixels(self, images: Tensor) -> Tensor:
        size = (self.side, self.side)
        x = super()._pixels(images)
        return F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def resized(source: ImageSet, image_size: int) -> ImageSet:
    """The set at another size, itself where it has that. Raises ValueError for a size that is no positive integer."""
    check_integer("image_size", image_size)
    if image_size == source.image_size:
        return source
    notes = f"{source.image_size} px scaled to {image_size}"
    notes = f"{source.notes}; {notes}" if source.notes else notes
    its = (source.name, source.images, source.labels, source.classes)
    return ResizedSet(*its, notes, source.skipped, image_size)


def balanced(labels: Tensor, n: int, seed: int) -> Tensor:
    """Indices (n,) of a random subset in which no class is ahead of one that still has members to give."""
    if type(n) is not int or not 1 <= n <= len(labels):
        raise ValueError(f"cannot take {n} of {len(labels)} images")
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    labels = labels.cpu()[shuffled]
    by_class = labels.argsort(stable=True)
    first = torch.searchsorted(labels[by_class], labels[by_class])
    turn = torch.empty_like(labels)  # the how-manieth of its class an image is
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


def _send(values: Tensor, device: torch.device) -> Tensor:
    """To the device; for a GPU from pinned memory, so that the host does not wait."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)
