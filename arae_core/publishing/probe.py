"""How fast this machine trains: a few steps of the small AlexNet, in images a second.

The ratio of two machines' speeds carries a recorded time from one to the other. The steps are those of plain
training at 32 pixels, in the arithmetic that training would choose there (`precision = "auto"`). They run in a process
of their own, so that this one need not hold torch, nor a GPU's memory, beside the notebook that it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import arae_core

_BATCH = 128
_SECONDS = 1.0  # of steps that count
_STEPS = 50  # and never more than these
_WARM_UP = 3
_PATIENCE = 60.0  # a machine that cannot even start Python and torch in this time is not measured
_measured: list[float | None] = []


def wanted() -> bool:
    """Whether this machine may be probed: not under ARAE_ESTIMATE=off."""
    return os.environ.get("ARAE_ESTIMATE", "").lower() not in ("off", "0", "no")


@cache
def speed_here() -> float | None:
    """Images a second on this machine, measured once in this process's life; None if that was not possible."""
    package = str(Path(arae_core.__file__).parents[1])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    try:
        done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, timeout=_PATIENCE,
                              check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
        _measured[:] = [float(json.loads(done.stdout.splitlines()[-1])["speed"])]
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        _measured[:] = [None]
    return _measured[0]


def measured() -> float | None:
    """The speed, if this process has measured it already."""
    return _measured[0] if _measured else None


def training_speed() -> float:
    """Images a second: of the quickest step, since whatever else the machine does only makes steps slower."""
    import torch
    from torch.nn.functional import cross_entropy

    from arae_core.encoders import AlexNet
    from arae_core.training.precision import mixed_precision

    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = AlexNet(32, 10, width=0.5).to(device, memory_format=torch.channels_last)
        x = torch.rand(_BATCH, 3, 32, 32).to(device).contiguous(memory_format=torch.channels_last)
    y = torch.arange(_BATCH, device=device) % 10
    optimizer = torch.optim.SGD(encoder.parameters(), lr=1e-3, momentum=0.9)

    def step() -> float:
        started = time.perf_counter()
        with mixed_precision(device, "auto"):
            loss = cross_entropy(encoder(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a GPU to be done
        return time.perf_counter() - started

    for _ in range(_WARM_UP):
        step()
    ends, seconds = time.perf_counter() + _SECONDS, [step()]
    while time.perf_counter() < ends and len(seconds) < _STEPS:
        seconds.append(step())
    return _BATCH / min(seconds)


if __name__ == "__main__":
    print(json.dumps({"speed": round(training_speed(), 1)}))
