"""A resident data set at another size, scaled batch by batch: CIFAR-10's images at 224 pixels, as A uses them.

Kept at 224 pixels, 50,000 images would take 7.5 GB, most of it interpolation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from arae_core.data.image_set import ImageSet
from arae_core.seeds import derive_seed


@dataclass(frozen=True, eq=False)
class ResizedSet:
    """An ImageSet whose images come out `image_size` pixels square; used like it.

    Bilinear, antialiased where it reduces, as A's torchvision resizes its images; corners are not aligned.
    Raises ValueError for a size that is no positive integer.
    """

    source: ImageSet
    image_size: int

    def __post_init__(self) -> None:
        if type(self.image_size) is not int or self.image_size < 1:
            raise ValueError(f"image_size must be a positive integer, not {self.image_size!r}")

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"ResizedSet({self.source!r} at {self.image_size} px)"

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes

    @property
    def labels(self) -> Tensor:
        return self.source.labels

    @property
    def notes(self) -> str:
        own = f"{self.source.image_size} px scaled to {self.image_size}"
        return "; ".join(filter(None, [self.source.notes, own]))

    @property
    def skipped(self) -> tuple[str, ...]:
        return self.source.skipped

    @property
    def digest(self) -> str:
        return f"{derive_seed(self.image_size, self.source.digest):016x}"

    def to(self, device: torch.device | str) -> ResizedSet:
        """The same set with its tensors on `device`."""
        return replace(self, source=self.source.to(device))

    def take(self, n: int, seed: int = 0) -> ResizedSet:
        """As `ImageSet.take`."""
        return replace(self, source=self.source.take(n, seed))

    def only(self, class_name: str) -> ResizedSet:
        """As `ImageSet.only`."""
        return replace(self, source=self.source.only(class_name))

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """x float32 (B, 3, S, S) in [0, 1] and y int64 (B,) of the images at `indices`."""
        x, y = self.source.batch(indices)
        return self._resized(x), y

    def batches(self, batch_size: int, *, seed: int | None = None,
                augment: Literal["none", "flip", "crop+flip"] = "none",
                drop_last: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
        """As `ImageSet.batches`: augmented first, scaled afterwards."""
        for x, y in self.source.batches(batch_size, seed=seed, augment=augment, drop_last=drop_last):
            yield self._resized(x), y

    def _resized(self, x: Tensor) -> Tensor:
        size = (self.image_size, self.image_size)
        return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
