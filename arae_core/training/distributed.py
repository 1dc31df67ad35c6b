"""Several processes that train one model together, as `torchrun` starts them; on its own a process does as it would
without this file.

    torchrun --nproc-per-node 2 -m arae_book train inversion

Lightning Fabric does the work: it joins the processes, gives each its device, and wraps a network in torch's
DistributedDataParallel, which averages the gradients. Each process takes its rows of the same batches, so a loss that is
a mean over the batch has the whole batch's gradient, to rounding; a sum comes out divided by the number of processes,
which Adam does not notice. The feature loss's scale, and batch norm on a CPU (on GPUs: SyncBatchNorm), are those of a
process's own rows. Process 0 looks for models, writes and speaks. Store and data must be the same folders for all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Value = TypeVar("Value")
_fabric: Fabric | None = None


def join() -> torch.device:
    """Join torchrun's processes, if there are any; returns the device that this process shall use.

    Raises:
        ValueError: more processes on this machine than GPUs.
    """
    global _fabric
    here, everywhere = int(os.environ.get("LOCAL_WORLD_SIZE", 1)), int(os.environ.get("WORLD_SIZE", 1))
    gpus = torch.cuda.device_count()
    if everywhere == 1:
        return torch.device("cuda" if gpus else "cpu")
    if 0 < gpus < here:
        raise ValueError(f"{here} processes on {gpus} GPUs: start torchrun with --nproc-per-node {gpus}")
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    # Spectral norm and batch norm move their buffers in every pass; sent around in place, a second pass before the
    # backward one would find them changed.
    strategy, kind = DDPStrategy(broadcast_buffers=False), "cuda" if gpus else "cpu"
    _fabric = Fabric(accelerator=kind, devices=here, num_nodes=everywhere // here, strategy=strategy)
    _fabric.launch()
    return _fabric.device


def leave() -> None:
    """End what `join` began, after all work is done."""
    global _fabric
    if _fabric is not None:
        _fabric.barrier()
        torch.distributed.destroy_process_group()
        _fabric = None


def count() -> int:
    """How many processes there are."""
    return _fabric.world_size if _fabric else 1


def rank() -> int:
    """This process's number, from 0."""
    return _fabric.global_rank if _fabric else 0


def learner(model: nn.Module) -> nn.Module:
    """The network as a training step has to call it, for gradients of the whole batch: itself, or wrapped.

    On GPUs its batch norms become SyncBatchNorm, in place, with the same weights.
    """
    if _fabric is None:
        return model
    if _fabric.device.type == "cuda":
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return _fabric.setup_module(model, move_to_device=False)


def rows(batch: Tensor) -> Tensor:
    """This process's rows of a batch. Raises ValueError if the processes cannot share it evenly."""
    if _fabric is None:
        return batch
    if len(batch) % count():
        raise ValueError(f"{count()} processes cannot share a batch of {len(batch)} evenly: change its size")
    return batch[rank() :: count()]


def any_of(flag: bool) -> bool:
    """Whether the flag is up in any process, so that all do the same."""
    return mean(torch.tensor(float(flag), device=_fabric.device if _fabric else None)) > 0


def mean(value: Tensor) -> float:
    """A scalar's mean over the processes."""
    everywhere: Any = _fabric.all_reduce(value, reduce_op="mean") if _fabric else value
    return float(everywhere)


def from_first(value: Value) -> Value:
    """Process 0's value for all."""
    return _fabric.broadcast(value) if _fabric else value
