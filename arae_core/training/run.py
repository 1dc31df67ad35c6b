"""The book-keeping of a training run: seeds, saving, resuming, stopping, a log.

A loop asks a `Run` for its batches and logs what it computed; everything that is not the
algorithm happens here. Each step draws its random numbers from (seed, epoch, step) alone, so a
run that was killed and started again ends with the weights of one that was not. Of several
processes the first alone writes, and all stop after the same step.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from arae_core.attacks.pgd import check_images
from arae_core.seeds import derive_seed
from arae_core.training import safefile, several
from arae_core.training.freed_memory import keep_freed_memory

History = list[dict[str, float]]


class TrainingDiverged(RuntimeError):
    """A loss became NaN or infinite; the state saved before it is kept."""


@dataclass
class Run:
    """One training run.

    Args:
        data: anything with `batches(batch_size, seed=, augment=, drop_last=)` and a length.
        state_file: where the unfinished run is kept; None keeps nothing.
        save_every: seconds between saves within an epoch.
    """

    data: Any
    epochs: int
    batch_size: int
    seed: int
    augment: str = "none"
    device: torch.device | str = "cpu"
    state_file: Path | None = None
    save_every: float = 60.0
    title: str = "training"
    modules: dict[str, nn.Module] = field(default_factory=dict)
    optimizers: dict[str, Optimizer] = field(default_factory=dict)
    history: History = field(default_factory=list)

    epoch: int = 0
    step: int = 0  # within the epoch
    _sums: dict[str, list[Tensor]] = field(default_factory=dict)
    _seconds: float = 0.0

    @property
    def steps_per_epoch(self) -> int:
        return max(len(self.data) // self.batch_size, 1)

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def global_step(self) -> int:
        return self.epoch * self.steps_per_epoch + self.step

    @property
    def ends_epoch(self) -> bool:
        """Whether the step under way is the last of its epoch."""
        return self.step == self.steps_per_epoch - 1

    def end_with_this_epoch(self) -> None:
        """Take no epoch after this one; saved, so that a resumed run keeps to it."""
        self.epochs = self.epoch + 1

    def steps(self, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (x, y) for every step that is left, on the device, in channels_last order.

        The modules and optimisers named here are what is saved and resumed.
        """
        self.modules, self.optimizers = modules, optimizers
        keep_freed_memory()
        self._resume()
        with _stop_between_steps() as stop, self._bar() as bar:
            saved = started = time.monotonic()
            while self.epoch < self.epochs:
                for number, (x, y) in enumerate(self._batches()):
                    if number < self.step:
                        continue  # done before the interruption
                    if self.step == 0 and self.epoch == 0:
                        check_images(x)  # once: later batches come from the same place
                    self._seed_step()
                    yield x, y
                    self.step += 1
                    bar.update()
                    stopping, due = several.agreed(stop.is_set(), time.monotonic() - saved > self.save_every)
                    if stopping or due:
                        saved, started = time.monotonic(), self._clock(started)
                        self._check_finite()
                        self._save()
                    if stopping:
                        raise KeyboardInterrupt(self._farewell())
                started = self._clock(started)
                self._finish_epoch()
                self._save()

    def log(self, **values: Tensor) -> None:
        """Keep scalars of this step (tensors stay on the device: no waiting)."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value.detach().float())

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = derive_seed(self.seed, "data", self.epoch)
        whole = len(self.data) >= self.batch_size  # else one small batch an epoch
        for x, y in self.data.batches(self.batch_size, seed=order, augment=self.augment, drop_last=whole):
            x = x.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)
            yield x, y.to(self.device, non_blocking=True)

    def _seed_step(self) -> None:
        """Dropout and random starts of a step depend on nothing that came before it."""
        torch.manual_seed(derive_seed(self.seed, "step", self.epoch, self.step))

    def _bar(self) -> tqdm:
        silent = {"disable": True} if several.rank() > 0 else {}
        return tqdm(total=self.total_steps, initial=self.global_step, desc=self.title, leave=False, **silent)

    def _clock(self, started: float) -> float:
        now = time.monotonic()
        self._seconds += now - started
        return now

    def _finish_epoch(self) -> None:
        self._check_finite()
        means = {name: float(torch.stack(values).mean()) for name, values in self._sums.items()}
        self.history.append({"epoch": self.epoch + 1, **means, "seconds": round(self._seconds, 2)})
        self._sums, self._seconds = {}, 0.0
        self.epoch, self.step = self.epoch + 1, 0

    def _check_finite(self) -> None:
        for name, values in self._sums.items():
            bad = (~torch.isfinite(torch.stack(values))).nonzero()
            if len(bad):
                raise TrainingDiverged(
                    f"{self.title}: {name} is not finite at step {int(bad[0])} of epoch {self.epoch + 1} "
                    f"(batch of {self.batch_size}, seed {self.seed}); lower the learning rate or use precision fp32")

    def _save(self) -> None:
        if self.state_file is None or several.rank() > 0:
            return
        tensors: dict[str, Tensor] = {}
        for name, module in self.modules.items():
            tensors |= {f"module.{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{name}.{index}.{key}": torch.as_tensor(value)
                            for key, value in state.items() if value is not None}
        tensors |= {f"log.{name}": torch.stack(values) for name, values in self._sums.items()}
        progress = {"epoch": self.epoch, "step": self.step, "seconds": self._seconds, "history": self.history,
                    "epochs": self.epochs}
        safefile.save(self.state_file, tensors, {"progress": json.dumps(progress)})

    def _resume(self) -> None:
        if self.state_file is None or not self.state_file.exists():
            return
        tensors, metadata = safefile.load(self.state_file)  # by all processes: none saves before all agree on a step
        progress = json.loads(metadata["progress"])
        self.epoch, self.step, self.history = progress["epoch"], progress["step"], progress["history"]
        self._seconds, self.epochs = progress["seconds"], progress.get("epochs", self.epochs)
        self._sums = {name.removeprefix("log."): list(values.to(self.device)) for name, values in tensors.items()
                      if name.startswith("log.")}
        for name, module in self.modules.items():
            module.load_state_dict(_under(tensors, f"module.{name}."))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, f"optimizer.{name}.").items():
                index, field_name = key.split(".", 1)
                state.setdefault(int(index), {})[field_name] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})

    def _farewell(self) -> str:
        where = f"epoch {self.epoch + 1}, step {self.step}"
        kept = "its state is saved: run it again to go on" if self.state_file else "nothing was kept"
        return f"{self.title} stopped at {where}; {kept}"


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


@contextmanager
def _stop_between_steps() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event that is looked at between two steps.

    Signals reach only the main thread; elsewhere the event is simply never set.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
