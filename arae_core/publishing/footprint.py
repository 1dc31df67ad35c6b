"""What the process of a notebook has used when its last cell is done: memory, threads, device, versions.

The kernel itself runs this (`kernel.py`) and leaves the answer in the file of $ARAE_ACCOUNT, as its last line. A
notebook that never imported torch does not import it here.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

GIB = 2**30


def leave() -> None:
    """Add this process's footprint to the account."""
    memory = peak_memory()  # before anything below adds to it
    content = {"memory": memory, "gpu_memory": None, "threads": None, "machine": machine("cpu", None),
               "versions": {"python": platform.python_version()}, "commit": None, "dirty": None}
    if "torch" in sys.modules:
        content |= _of_torch()
    with open(os.environ["ARAE_ACCOUNT"], "a", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


def peak_memory() -> float | None:
    """The most memory that this process has held at once, in GiB; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return round(kib * 1024 / GIB, 3)
    except (OSError, StopIteration):
        pass
    if sys.platform != "darwin":
        return None
    import resource  # absent on Windows

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB, 3)  # macOS counts it in bytes


def machine(device: str, bf16: bool | None) -> dict[str, Any]:
    """What decides a run's time: the GPU's name or "cpu", the cores, whether it computes in bf16. No host names."""
    return {"device": device, "cores": available_cores(), "bf16": bf16}


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _of_torch() -> dict[str, Any]:
    import torch

    from arae_core.results.machine import code_state, installed_versions
    from arae_core.training.precision import computes_bf16

    on_gpu = torch.cuda.is_initialized() and torch.cuda.max_memory_allocated() > 0
    commit, dirty = code_state()
    here = (machine(f"cuda: {torch.cuda.get_device_name()}", computes_bf16("cuda")) if on_gpu
            else machine("cpu", computes_bf16("cpu")))
    return {"gpu_memory": round(torch.cuda.max_memory_allocated() / GIB, 3) if on_gpu else None,
            "threads": torch.get_num_threads(), "machine": here,
            "versions": installed_versions(), "commit": commit, "dirty": dirty}
