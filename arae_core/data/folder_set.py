"""Images too many or too large to keep in memory: decoded by a DataLoader's processes as a pass goes on.

The classifier's augmentations at 224 pixels are those of A's code (MadryLab/robustness, for ImageNet): a
random resized crop, a flip, colour jitter of 0.1, PCA lighting of 0.05 (Krizhevsky et al., 2012, Sec. 4.1).
"""

import copy
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL.Image import Resampling
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ColorJitter, Compose, RandomHorizontalFlip, RandomResizedCrop
from tqdm import tqdm

from arae_core.data.image_set import ImageSet, balanced
from arae_core.data.images import check_pass, members
from arae_core.data.pictures import UnreadableImageError, open_rgb, to_uint8
from arae_core.seeds import derive_seed
from arae_core.store import available_cores

_HEAD = 2**16  # bytes of a file that its digest looks at, besides its size: the whole of most JPEGs
# Standard deviations and directions of ImageNet's colours (RGB rows), as everybody uses them.
_PCA_VALUES = torch.tensor([0.2175, 0.0188, 0.0045])
_PCA_VECTORS = torch.tensor(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)


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

    Attributes:
        files: (N,) names relative to `folder` (an array of fixed-width text: workers can share it)
        labels: int64 (N,), on the CPU
        device: where batches go
        workers: processes that decode (None: one a core, at most 8; 0: this one)
        failed: files that a pass so far found unreadable, with the reason. Nothing is opened to build the set:
            a bad file is met when its turn comes, and left out of its batch in every pass
    """

    name: str
    folder: Path
    files: np.ndarray
    labels: Tensor
    classes: tuple[str, ...]
    image_size: int
    notes: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    workers: int | None = None
    failed: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        return f"FolderSet({self.name!r}, {len(self)} files in {len(self.classes)} classes at {self.folder})"

    @property
    def skipped(self) -> tuple[str, ...]:
        """The reasons in `failed`."""
        return tuple(self.failed[name] for name in sorted(self.failed))

    @cached_property
    def digest(self) -> str:
        """16 hex digits over names, labels, sizes and heads of the files; the same wherever the same files lie."""

        def content(name: str) -> bytes:
            try:
                with open(self.folder / name, "rb") as file:
                    return hashlib.sha256(file.read(_HEAD) + str(file.seek(0, 2)).encode()).digest()
            except OSError:  # a link to nowhere: it is counted when it cannot be opened
                return b""

        sha = hashlib.sha256(repr((self.classes, self.image_size)).encode())
        with ThreadPoolExecutor(available_cores()) as pool:
            for name, label, seen in zip(self.files, self.labels.tolist(), pool.map(content, self.files)):
                sha.update(f"{label}/{name}/".encode() + seen)
        return sha.hexdigest()[:16]

    def to(self, device: torch.device | str) -> Self:
        """The same set, its batches on `device`."""
        moved = copy.copy(self)  # with the digest, if it is known
        moved.device = torch.device(device)
        return moved

    def take(self, n: int, seed: int = 0) -> Self:
        """`n` of the files, drawn with `seed`: as many of each class as there are to be had."""
        return self._subset(balanced(self.labels, n, seed))

    def only(self, class_name: str) -> Self:
        """The files of one class. Labels and `classes` keep their meaning."""
        return self._subset(members(self, class_name))

    def _subset(self, indices: Tensor) -> Self:
        return replace(self, files=self.files[indices.numpy()], labels=self.labels[indices])

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """x float32 (B, 3, S, S) in [0, 1], scaled whole, and y int64 (B,); unreadable files are left out."""
        reader = Reader(self)
        return self._deliver(collate([reader[index] for index in torch.arange(len(self))[indices].tolist()]))

    def batches(
        self, batch_size: int, *, seed: int | None = None, augment: str = "none", drop_last: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass: x float32 (B, 3, S, S) in [0, 1] and y int64 (B,); shuffled if there is a seed.

        Args:
            augment: "none", the whole image scaled to S x S, as A's inverters are trained; "center", the shorter side
                scaled to 8/7 S, then the middle S x S (256 and 224), A's test images; "paper", random resized crop,
                flip, colour jitter 0.1, lighting 0.05, A's classifier, needs a seed

        A pass depends on the seed alone, not on the number of workers. A batch with an unreadable file is
        smaller by it. Raises ValueError for an unknown augmentation, or when no file at all can be read.
        """
        check_pass(batch_size, augment, seed, "none", "center", drawn=("paper",))
        generator = torch.Generator().manual_seed(seed or 0)
        order = torch.arange(len(self)) if seed is None else torch.randperm(len(self), generator=generator)
        groups = list(order.split(batch_size))
        if drop_last and len(groups[-1]) < batch_size:
            groups.pop()
        return self._pass(Reader(self, augment, seed or 0).loader(groups))

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
        self.failed.update(failed)
        x = images.to(self.device, non_blocking=True).to(torch.float32).div_(255)
        if alpha.numel():
            x = lighting(x, alpha.to(self.device, non_blocking=True))
        return x, labels.to(self.device, non_blocking=True)


def resident(files: FolderSet) -> ImageSet:
    """Every image of a folder set, scaled whole by bicubic interpolation, in memory.

    Files that cannot be read are left out, counted in a warning and named in `skipped`.
    """
    count, size, end = len(files), files.image_size, 0
    images = torch.empty(count, 3, size, size, dtype=torch.uint8)
    labels = torch.empty(count, dtype=torch.int64)
    failed: dict[str, str] = {}
    reader = Reader(files)
    reader.filter = Resampling.BICUBIC
    loader = reader.loader(torch.arange(count).split(256))
    for x, _, y, bad in tqdm(loader, f"reading {files.name}", disable=count < 5000 or None):
        images[end : end + len(x)], labels[end : end + len(x)] = x, y
        end, failed = end + len(x), failed | bad
    skipped = tuple(failed[name] for name in files.files if name in failed)
    if end == 0:
        raise UnreadableImageError(f"not one image of {files.folder} can be read: {skipped[0]}")
    if skipped:
        some = f"{len(skipped)} unreadable images skipped, such as {skipped[0]}"
        warnings.warn(f"{files.name}: {some}", stacklevel=3)
    return ImageSet(files.name, images[:end], labels[:end], files.classes, files.notes, skipped)


class Reader(Dataset):
    """A decoded image by index, (uint8 (3, S, S), lighting's alpha, label), or (name, reason) where it cannot be read.
    Runs in the workers; its randomness comes from (seed, index) alone."""

    filter = Resampling.BILINEAR

    def __init__(self, files: FolderSet, augment: str = "none", seed: int = 0):
        self.files, self.augment, self.seed = files, augment, seed

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int] | tuple[str, str]:
        name, size, alpha = str(self.files.files[index]), self.files.image_size, torch.empty(0)
        try:
            image = open_rgb(self.files.folder / name)
        except UnreadableImageError as error:
            return name, str(error)
        if self.augment == "paper":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive_seed(self.seed, "image", index))
                changes = [RandomResizedCrop(size), RandomHorizontalFlip(), ColorJitter(0.1, 0.1, 0.1)]
                image = Compose(changes)(image)
                alpha = torch.randn(3, dtype=torch.float32) * 0.05
        else:  # whole, or the middle square of 7/8 the shorter side, in one step: 20,000 x 1 must not grow first
            width, height = image.size
            across, down = (width, height) if self.augment == "none" else (min(width, height) * 7 / 8,) * 2
            left, top = (width - across) / 2, (height - down) / 2
            image = image.resize((size, size), self.filter, box=(left, top, left + across, top + down))
        return to_uint8(image), alpha, int(self.files.labels[index])

    def loader(self, groups: Sequence[Tensor]) -> DataLoader:
        """Batches of the indices in each group, as `collate` makes them; a few groups are decoded in this process."""
        workers, pinned = self.files.workers, self.files.device.type == "cuda"
        workers = min(8, available_cores(), len(groups) // 4) if workers is None else workers
        # lest the loader draw from the caller's generator
        own: Any = {"generator": torch.Generator(), "collate_fn": collate}
        batches = [group.tolist() for group in groups]
        return DataLoader(self, batch_sampler=batches, num_workers=workers, pin_memory=pinned, **own)


def collate(samples: list[Any]) -> tuple[Tensor, Tensor, Tensor, dict[str, str]]:
    """uint8 (B, 3, S, S), lighting's alpha (B, 3 or 0), labels (B,), and the files that failed."""
    failed = dict(sample for sample in samples if len(sample) == 2)
    good = [sample for sample in samples if len(sample) == 3]
    if not good:
        return torch.empty(0, 3, 1, 1).byte(), torch.empty(0), torch.empty(0).long(), failed
    images, alpha, labels = zip(*good, strict=True)
    return torch.stack(images), torch.stack(alpha), torch.tensor(labels), failed
