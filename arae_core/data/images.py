"""What a data set is, by its type: anything that has these methods can be trained on."""

from collections.abc import Iterable, Iterator
from typing import Protocol, Self

import torch
from torch import Tensor

from arae_core.data.places import check_integer, near


class Images(Protocol):
    """What a training loop takes, and the key of a trained model. `digest` (hex) changes whenever an image or a label
    does; `name` and `notes` (what has to be said beside every number made with the set) are for records."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def notes(self) -> str: ...

    def __len__(self) -> int: ...

    def batches(
        self, batch_size: int, *, seed: int | None = None, augment: str = "none", drop_last: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass: x float32 (B, 3, S, S) in [0, 1] and y (B,); in order without a seed, the same for the same one."""
        ...


class LabelledImages(Images, Protocol):
    """What `load` gives: it has classes, labels int64 (N,), and parts that are sets themselves, all with the meaning
    that `ImageSet` says."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> Tensor: ...
    @property
    def image_size(self) -> int: ...
    @property
    def skipped(self) -> tuple[str, ...]: ...

    def to(self, device: torch.device | str) -> Self: ...
    def take(self, n: int, seed: int = 0) -> Self: ...
    def only(self, class_name: str) -> Self: ...
    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]: ...


def require_classes(images: LabelledImages, names: Iterable[str]) -> None:
    """ValueError, with the near name, unless each of `names` is a class of which the set has an image."""
    for name in names:
        members(images, name)


def members(images: LabelledImages, class_name: str) -> Tensor:
    """The indices (M,) of a class's images. Raises ValueError as `require_classes`."""
    if class_name not in images.classes:
        some = ", ".join(images.classes[:10]) + (", …" if len(images.classes) > 10 else "")
        meant = near(class_name, images.classes)
        raise ValueError(f"{images.name} has no class {class_name!r}{meant} It has {some}")
    found = (images.labels == images.classes.index(class_name)).nonzero().flatten()
    if len(found) == 0:
        raise ValueError(f"{images.name} holds no image of class {class_name!r}")
    return found


def check_floats(x: Tensor, what: str = "images", channels: int | None = None) -> None:
    """TypeError or ValueError unless x is a float batch (B, channels, H, W); its values are not looked at."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"{what} must be float images in [0, 1], not {kind}: divide 8-bit ones by 255")
    if x.dim() != 4 or x.shape[1] != (channels or x.shape[1]):
        wanted = f"a batch of shape (B, {channels or 'C'}, H, W)"
        raise ValueError(f"{what} must be {wanted}, not {tuple(x.shape)}")


def check_images(x: Tensor, what: str = "images", channels: int | None = None) -> None:
    """TypeError or ValueError unless x is a float batch (B, channels, H, W) in [0, 1], not empty and without NaN."""
    check_floats(x, what, channels)
    if x.numel() == 0:
        raise ValueError(f"no image in a batch of shape {tuple(x.shape)}")
    low, high = (float(end) for end in torch.aminmax(x.detach()))
    if not (low >= 0 and high <= 1):  # so written, NaN fails too
        way_out = "divide 8-bit ones by 255, normalise inside the encoder and not before it, or clamp them"
        raise ValueError(f"{what} must lie in [0, 1], these span [{low:.3g}, {high:.3g}]: {way_out}")


def check_pass(batch_size: int, augment: str, seed: int | None, *plain: str, drawn: tuple[str, ...]) -> None:
    """ValueError for a pass that cannot be meant. plain, drawn: augmentations that need no seed, and that need one."""
    check_integer("batch_size", batch_size)
    if augment not in plain + drawn:
        raise ValueError(f"augment must be one of {', '.join(plain + drawn)} for this set, not {augment!r}")
    if augment in drawn and seed is None:
        raise ValueError(f"augment={augment!r} draws at random and needs a seed")
