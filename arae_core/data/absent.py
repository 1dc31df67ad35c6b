"""What a model was trained on, where the images themselves are not here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor


class ImagesAbsent(LookupError):
    """Images were asked for of a set that is only described; the message says of which."""


@dataclass(frozen=True)
class AbsentImages:
    """A training set by its description: models that were trained on it are found by it, and nothing is trained on it.

    Attributes:
        digest: of the images that it stands for, see `ImageSet.digest`
        class_count: how many classes they have
        notes: what has to be said beside every number made with them
    """

    name: str
    digest: str
    class_count: int
    notes: str = ""

    def __len__(self) -> int:
        self._absent()

    def batches(
        self, batch_size: int, *, seed: int | None = None, augment: str = "none", drop_last: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Raises ImagesAbsent."""
        self._absent()

    def to(self, device: torch.device | str) -> "AbsentImages":
        """Itself."""
        return self

    def _absent(self) -> NoReturn:
        raise ImagesAbsent(f"the images of {self.name} ({self.digest}) are not loaded here, only described")
