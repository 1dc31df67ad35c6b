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
        on_cpu = any(text in str(error) for text in CPU_ALLOCATOR)
        if not (on_cpu or isinstance(error, torch.OutOfMemoryError)):
            raise
        images, way_out = "one image", "it cannot be smaller: take smaller images or a smaller network"
        if batch_size > 1:
            half = f"`-p batch_size {batch_size // 2}` (or the parameter `..._batch_size` of this model)"
            images, way_out = f"a batch of {batch_size} images", f"halve it with {half}"
        raise BatchTooLarge(f"{images} does not fit into the memory of {device}; {way_out}") from error
