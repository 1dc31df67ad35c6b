"""Several processes that train one model together, as `torchrun` starts them: who is who, and how they talk.

    torchrun --nproc-per-node 2 -m arae_core train inversion

Every process runs the same loop on the same whole batches; only the networks' work is shared out, by `split`.
Process 0 is the first: it looks for models, holds the lock, writes and speaks. The store and the data must be
the same folders for all. In a process on its own nothing here does anything.

Tensors of a CPU travel by gloo, those of a GPU by NCCL. What is said besides tensors travels as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from filelock import FileLock, Timeout
from torch import Tensor

PATIENCE = timedelta(seconds=60)  # with a process that does not answer


class GroupBroken(RuntimeError):
    """Another process of the group has ended, or does not answer."""


def join() -> torch.device:
    """Join torchrun's processes, if there are any; returns the device that this process shall use.

    That is its own GPU where there are GPUs, else the CPU.

    Raises:
        ValueError: more processes on this machine than GPUs.
    """
    local = int(os.environ.get("LOCAL_RANK", 0))
    gpus = torch.cuda.device_count()
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not _joined():
        if gpus and local >= gpus:
            raise ValueError(f"process {local} of this machine has no GPU of its own, there are {gpus}: start "
                             f"torchrun with --nproc-per-node {gpus}")
        if gpus:
            torch.cuda.set_device(local)
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=PATIENCE)
    return torch.device("cuda", local) if gpus else torch.device("cpu")


def leave() -> None:
    """End what `join` began, after all work is done."""
    if _joined():
        dist.destroy_process_group()


def count() -> int:
    """How many processes there are; 1 outside a group."""
    return dist.get_world_size() if _joined() else 1


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if _joined() else 0


def gathered(rows: Tensor) -> Tensor:
    """(n, …) of each process, one below the other: (count * n, …), the same for all. Keeps channels_last."""
    last = rows.dim() == 4 and rows.is_contiguous(memory_format=torch.channels_last)
    rows = (rows.permute(0, 2, 3, 1) if last else rows).contiguous()
    whole = rows.new_empty(count() * len(rows), *rows.shape[1:])
    _talk(dist.all_gather, list(whole.chunk(count())), rows)
    return whole.permute(0, 3, 1, 2) if last else whole


def summed(part: Tensor) -> Tensor:
    """The sum of every process's tensor, to the last bit the same for all."""
    whole = part.clone(memory_format=torch.contiguous_format)
    _talk(dist.all_reduce, whole)
    return whole


def agreed(*flags: bool) -> list[bool]:
    """Which of the flags are up in any process, so that all do the same."""
    if count() == 1:
        return list(flags)
    up = torch.tensor(flags, dtype=torch.int32)
    _talk(dist.all_reduce, up, dist.ReduceOp.MAX)
    return [bool(flag) for flag in up]


def from_first(value: Any) -> Any:
    """Process 0's value, which JSON can write, for all; what the others give does not count."""
    if count() == 1:
        return value
    text = json.dumps(value if rank() == 0 else None).encode()
    length = torch.tensor([len(text)])
    _talk(dist.broadcast, length, 0)
    letters = torch.zeros(int(length), dtype=torch.uint8)
    if rank() == 0:
        letters.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))
    _talk(dist.broadcast, letters, 0)
    return json.loads(bytes(letters.tolist()))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file lock, once for the whole group. While it is another's, the others hear that we still wait."""
    lock = FileLock(path)
    while not from_first(rank() == 0 and _acquired(lock)):
        pass
    try:
        yield
    finally:
        lock.release()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=PATIENCE.total_seconds() / 3)
    except Timeout:
        return False
    return True


def _talk(collective: Callable[..., Any], *arguments: Any) -> None:
    try:
        collective(*arguments)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise GroupBroken(f"process {rank()} of {count()} lost the others (one ended, or did not answer for "
                          f"{PATIENCE.seconds} s); what was trained up to the last save is kept, and the same "
                          f"command goes on from there") from error
