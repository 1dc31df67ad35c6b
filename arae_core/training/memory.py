"""A batch that does not fit: one line that says so, and the way out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

CPU_ALLOCATOR = ("can't allocate memory", "not enough memory")  # Linux and macOS; Windows


class BatchTooLarge(RuntimeError):
    """Memory ran out in training; the message names the batch, the device and the way out."""


@contextmanager
def explained(batch_size: int, device: torch.device | str) -> Iterator[None]:
    """Turn the allocator's error into a BatchTooLarge. (A system that overcommits memory ends the process instead.)"""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not isinstance(error, torch.OutOfMemoryError) and not any(
            text in str(error) for text in CPU_ALLOCATOR
        ):
            raise
        way_out = (
            f"halve it with `-p batch_size {batch_size // 2}` (or the parameter `..._batch_size` of this model)"
            if batch_size > 1
            else "it cannot be smaller: take smaller images or a smaller network"
        )
        images = f"a batch of {batch_size} images" if batch_size > 1 else "one image"
        raise BatchTooLarge(f"{images} does not fit into the memory of {device}; {way_out}") from error
