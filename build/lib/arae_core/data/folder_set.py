"""Images too many or too large to keep in memory: decoded by worker processes as a pass goes on.

The classifier's augmentations at 224 pixels are those of A's code (MadryLab/robustness, for ImageNet): a
random resized crop, a flip, colour jitter of 0.1, PCA lighting of 0.05 (Krizhevsky et al., 2012, Sec. 4.1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms

from arae_core.data.image_set import balanced
from arae_core.data.pictures import UnreadableImageError, open_rgb, to_uint8
from arae_core.seeds import derive_seed

FolderAugment = Literal["none", "center", "paper"]

# Standard deviations and directions of ImageNet's colours (RGB rows), as everybody uses them.
_PCA_VALUES = torch.tensor([0.2175, 0.0188, 0.0045])
_PCA_VECTORS = torch.tensor([[-0.5675, 0.7192, 0.4009],
                             [-0.5808, -0.0045, -0.8140],
                             [-0.5836, -0.6948, 0.4203]])


def lighting(x: Tensor, alpha: Tensor) -> Tensor:
    """x (B, 3, H, W) shifted along ImageNet's principal colours by alpha (B, 3), and cut to [0, 1].

    alpha is drawn from a normal distribution of standard deviation 0.05. A's code does not cut; here images
    stay in [0, 1] everywhere.
    """
    shift = (alpha * _PCA_VALUES.to(x)) @ _PCA_VECTORS.to(x).T
    return (x + shift[:, :, None, None]).clamp(0, 1)


@dataclass(eq=False)
class FolderSet:
    """Labelled image files, decoded when they are wanted; used like an ImageSet.

    files    (N,) names relative to `folder`;  labels  int64 (N,), on the CPU
    device   where batches go;  workers  processes that decode (None: one a core, at most 8; 0: this one)
    skipped  files that a pass so far found unreadable, with the reason. Nothing is opened to build the set:
             a bad file is met when its turn comes, left out of its batch in every pass, and named here once.
    """

    name: str
    folder: Path
    files: np.ndarray
    labels: Tensor
    classes: tuple[str, ...]
    image_size: int
    digest: str
    notes: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    workers: int | None = None
    _skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        return f"FolderSet({self.name!r}, {len(self)} files in {len(self.classes)} classes at {self.folder})"

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(self._skipped[name] for name in sorted(self._skipped))

    def to(self, device: torch.device | str) -> FolderSet:
        """The same set, its batches on `device`."""
        return replace(self, device=torch.device(device))

    def take(self, n: int, seed: int = 0) -> FolderSet:
        """`n` of the files, drawn with `seed`: as many of each class as there are to be had."""
        return self._subset(balanced(self.labels, n, seed), f"take/{n}/{seed}")

    def only(self, class_name: str) -> FolderSet:
        """The files of one class. Labels and `classes` keep their meaning."""
        if class_name not in self.classes:
            names = ", ".join(self.classes[:5])
            raise ValueError(f"{self.name} has no class {class_name!r}; among its {len(self.classes)} are {names}")
        members = (self.labels == self.classes.index(class_name)).nonzero().flatten()
        if len(members) == 0:
            raise ValueError(f"{self.name} holds no image of class {class_name!r}")
        return self._subset(members, f"only/{class_name}")

    def _subset(self, indices: Tensor, how: str) -> FolderSet:
        digest = f"{derive_seed(0, self.digest, how):016x}"
        return replace(self, files=self.files[indices.numpy()], labels=self.labels[indices], digest=digest)

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """x float32 (B, 3, S, S) in [0, 1], scaled whole, and y int64 (B,); unreadable files are left out."""
        chosen = torch.arange(len(self))[indices].tolist()
        reader = _Reader(self, "none", 0)
        return self._deliver(_collate([reader[index] for index in chosen]))

    def batches(self, batch_size: int, *, seed: int | None = None, augment: FolderAugment = "none",
                drop_last: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass: x float32 (B, 3, S, S) in [0, 1] and y int64 (B,); shuffled if there is a seed.

        none    the whole image scaled to S x S, as A's inverters are trained
        center  the shorter side scaled to 8/7 S, then the middle S x S (256 and 224): A's test images
        paper   random resized crop, flip, colour jitter 0.1, lighting 0.05: A's classifier; needs a seed

        A pass depends on the seed alone, not on the number of workers. A batch with an unreadable file is
        smaller by it. Raises ValueError for an unknown augmentation, or when no file at all can be read.
        """
        if type(batch_size) is not int or batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        if augment not in ("none", "center", "paper"):
            raise ValueError(f"augment must be 'none', 'center' or 'paper' for a folder, not {augment!r}")
        if augment == "paper" and seed is None:
            raise ValueError("augment='paper' draws at random and needs a seed")
        generator = torch.Generator().manual_seed(seed or 0)
        order = torch.arange(len(self)) if seed is None else torch.randperm(len(self), generator=generator)
        groups = [group.tolist() for group in order.split(batch_size)]
        if drop_last and len(groups[-1]) < batch_size:
            groups.pop()
        workers = min(8, _cores()) if self.workers is None else self.workers
        loader = DataLoader(_Reader(self, augment, seed or 0), batch_sampler=groups, num_workers=workers,
                            collate_fn=_collate, pin_memory=self.device.type == "cuda", generator=generator)
        return self._pass(loader)

    def _pass(self, loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
        seen = 0
        for x, y in map(self._deliver, loader):
            seen += len(y)
            if len(y):
                yield x, y
        if seen == 0 and len(loader):
            raise UnreadableImageError(f"not one image of {self.folder} can be read: {self.skipped[0]}")

    def _deliver(self, read: tuple[Tensor, Tensor, Tensor, dict[str, str]]) -> tuple[Tensor, Tensor]:
        images, alpha, labels, failed = read
        self._skipped.update(failed)
        x = images.to(self.device, non_blocking=True).to(torch.float32).div_(255)
        if alpha.numel():
            x = lighting(x, alpha.to(self.device, non_blocking=True))
        return x, labels.to(self.device, non_blocking=True)


class _Reader(torch.utils.data.Dataset):
    """One decoded image by index; runs in the workers. Its randomness comes from (seed, index) alone."""

    def __init__(self, files: FolderSet, augment: FolderAugment, seed: int) -> None:
        self.folder, self.files, self.labels = files.folder, files.files, files.labels
        self.size, self.augment, self.seed = files.image_size, augment, seed

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int] | tuple[str, str]:
        name = str(self.files[index])
        try:
            image = open_rgb(self.folder / name)
        except UnreadableImageError as error:
            return name, str(error)
        alpha = torch.empty(0)
        if self.augment == "paper":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive_seed(self.seed, "image", index))
                image = transforms.RandomResizedCrop(self.size)(image)
                image = transforms.RandomHorizontalFlip()(image)
                image = transforms.ColorJitter(0.1, 0.1, 0.1)(image)
                alpha = torch.randn(3) * 0.05
        else:
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=self._box(image))
        return to_uint8(image), alpha, int(self.labels[index])

    def _box(self, image: Image.Image) -> tuple[float, float, float, float]:
        """What is scaled to S x S: everything, or the middle square of 7/8 the shorter side."""
        width, height = image.size
        if self.augment == "none":
            return 0, 0, width, height
        side = min(width, height) * 7 / 8    # in one step: 20,000 x 1 must not grow to 5 million x 256
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side


def _collate(samples: list) -> tuple[Tensor, Tensor, Tensor, dict[str, str]]:
    """uint8 (B, 3, S, S), lighting's alpha (B, 3 or 0), labels (B,), and the files that failed."""
    failed = dict(sample for sample in samples if len(sample) == 2)
    good = [sample for sample in samples if len(sample) == 3]
    if not good:
        nothing = torch.empty(0, 3, 1, 1, dtype=torch.uint8)
        return nothing, torch.empty(0), torch.empty(0, dtype=torch.int64), failed
    images, alpha, labels = zip(*good, strict=True)
    return torch.stack(images), torch.stack(alpha), torch.tensor(labels), failed


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
