"""The book-keeping of a training run: seeds, saving, resuming, stopping, a log.

A loop asks a `Run` for what each step works on and logs what it computed; everything that is not the algorithm
happens here. Each step draws its random numbers from (seed, epoch, step) alone, so a run that was killed and started
again ends with the weights of one that was not, and afterwards the global generator stands where it stood before. Of
several processes the first alone writes, and all stop after the same step.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from arae_core.data import Images
from arae_core.data.images import check_images
from arae_core.networks.image_convolution import rearranged
from arae_core.seeds import derive_seed
from arae_core.training import distributed, files

History = list[dict[str, float]]
Item = TypeVar("Item")
Batch = tuple[Tensor, Tensor]  # x (B, 3, H, W) and y (B,)
EVERY = 16  # steps after which several processes agree whether to save or stop


class TrainingDiverged(RuntimeError):
    """A loss became NaN or infinite; the state saved before it is kept."""


class Recipe(Protocol):
    """What a run reads of a loop's config."""

    @property
    def epochs(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def augment(self) -> str: ...


@dataclass
class Run(Generic[Item]):
    """One training run over anything: `over` has image sets, `repeating` a number of steps without data.

    Args:
        items: from the epoch's number to what its steps work on, one item a step.
        epochs, steps_per_epoch: how long it goes on.
        state_file: where the unfinished run is kept; None keeps nothing.
        save_every: seconds between saves within an epoch.
    """

    items: Callable[[int], Iterable[Item]]
    epochs: int
    steps_per_epoch: int
    seed: int
    device: torch.device | str = "cpu"
    state_file: Path | None = None
    title: str = "training"
    rearranged: bool = False  # see `networks.image_convolution`
    save_every: float = 60.0
    modules: dict[str, nn.Module] = field(init=False, default_factory=dict)
    optimizers: dict[str, Optimizer] = field(init=False, default_factory=dict)
    history: History = field(init=False, default_factory=list)

    epoch: int = field(init=False, default=0)
    step: int = field(init=False, default=0)  # within the epoch
    _sums: dict[str, list[Tensor]] = field(init=False, default_factory=dict)
    _seconds: float = field(init=False, default=0.0)

    @classmethod
    def over(
        cls,
        data: Images,
        recipe: Recipe,
        seed: int,
        device: torch.device | str = "cpu",
        state_file: Path | None = None,
        title: str = "training",
        epochs: int | None = None,
        rearranged: bool = True,
    ) -> Run[Batch]:
        """A run over an image set: its items are (x, y) on the device, x (B, 3, H, W) in channels_last order.

        Each epoch has an order of its own. A last batch that is not full is left out, unless it is the only one. Of
        several processes each gets its own rows of the same batches. epochs: if not the recipe's.
        """
        size = recipe.batch_size
        whole = len(data) >= size  # else one small batch an epoch

        def batches(epoch: int) -> Iterator[Batch]:
            order = derive_seed(seed, "data", epoch)
            drawn = data.batches(size, seed=order, augment=recipe.augment, drop_last=whole)
            for number, (x, y) in enumerate(drawn):
                if epoch == number == 0:
                    check_images(x)  # once: later batches come from the same place
                x, y = distributed.rows(x), distributed.rows(y)
                x = x.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
                yield x, y.to(device, non_blocking=True)

        steps = max(len(data) // size, 1)
        return Run(batches, epochs or recipe.epochs, steps, seed, device, state_file, title, rearranged)

    @classmethod
    def repeating(
        cls,
        steps: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        state_file: Path | None = None,
        title: str = "training",
    ) -> Run[int]:
        """A run of one epoch whose items are the steps' numbers: for an image or a prior, which have no data set."""
        return Run(lambda _: range(steps), 1, steps, seed, device, state_file, title)

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

    def steps(self, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer]) -> Iterator[Item]:
        """Yield the item of every step that is left.

        The modules and optimisers named here are what is saved and resumed.

        Raises:
            TrainingDiverged: something logged is not finite; the state saved before it is kept.
            KeyboardInterrupt: Ctrl-C or SIGTERM, after the state was saved.
        """
        self.modules, self.optimizers = modules, optimizers
        self._resume()
        device, rank = torch.device(self.device), distributed.rank()
        gpus = [device] if device.type == "cuda" else []
        silent = {"disable": True} if rank > 0 else {}
        bar = tqdm(total=self.total_steps, initial=self.global_step, desc=self.title, leave=False, **silent)
        # Afterwards torch's global random numbers go on as if nothing had been drawn.
        with torch.random.fork_rng(gpus), rearranged(self.rearranged), _stop_between_steps() as stop, bar:
            saved = started = time.monotonic()
            while self.epoch < self.epochs:
                for number, item in enumerate(self.items(self.epoch)):
                    if number < self.step:
                        continue  # done before the interruption
                    # Dropout and random starts depend on nothing before; other processes have other rows and numbers.
                    whose = ("rank", rank) if rank > 0 else ()
                    torch.manual_seed(derive_seed(self.seed, "step", self.epoch, self.step, *whose))
                    yield item
                    self.step += 1
                    bar.update()
                    if distributed.count() > 1 and self.step % EVERY:
                        continue  # to agree costs a round of messages
                    stopping = distributed.any_of(stop.is_set())
                    if stopping or distributed.any_of(time.monotonic() - saved > self.save_every):
                        saved, started = time.monotonic(), self._clock(started)
                        self._check_finite()
                        self._save()
                    if stopping:
                        where = f"epoch {self.epoch + 1}, step {self.step}"
                        kept = "saved: run it again to go on" if self.state_file else "not kept"
                        raise KeyboardInterrupt(f"{self.title} stopped at {where}; its state is {kept}")
                started = self._clock(started)
                self._finish_epoch()
                self._save()

    def log(self, **values: Tensor) -> None:
        """Keep scalars of this step (tensors stay on the device: no waiting)."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value.detach().float())

    def _clock(self, started: float) -> float:
        now = time.monotonic()
        self._seconds += now - started
        return now

    def _finish_epoch(self) -> None:
        self._check_finite()
        means = {name: distributed.mean(torch.stack(values).mean()) for name, values in self._sums.items()}
        self.history.append({"epoch": self.epoch + 1, **means, "seconds": round(self._seconds, 2)})
        self._sums, self._seconds = {}, 0.0
        self.epoch, self.step = self.epoch + 1, 0

    def _check_finite(self) -> None:
        for name, values in self._sums.items():
            bad = (~torch.isfinite(torch.stack(values))).nonzero()
            if len(bad):
                raise TrainingDiverged(
                    f"{self.title}: {name} is not finite at step {int(bad[0])} of epoch {self.epoch + 1} "
                    f"(seed {self.seed}); lower the learning rate or use precision fp32"
                )

    def _save(self) -> None:
        if self.state_file is None or distributed.rank() > 0:
            return
        tensors = {f"log.{name}": torch.stack(values) for name, values in self._sums.items()}
        for name, module in self.modules.items():
            tensors |= {f"module.{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                kept = {key: torch.as_tensor(value) for key, value in state.items() if value is not None}
                tensors |= {f"optimizer.{name}.{index}.{key}": value for key, value in kept.items()}
        progress = {"epoch": self.epoch, "step": self.step, "seconds": self._seconds, "history": self.history}
        files.save(self.state_file, tensors, {"progress": json.dumps({**progress, "epochs": self.epochs})})

    def _resume(self) -> None:
        if self.state_file is None or not self.state_file.exists():
            return
        tensors, metadata = files.load(self.state_file)  # by all: no process saves before all agree on a step
        progress = json.loads(metadata["progress"])
        self.epoch, self.step, self.history = progress["epoch"], progress["step"], progress["history"]
        self._seconds, self.epochs = progress["seconds"], progress["epochs"]
        self._sums = {name: list(values.to(self.device)) for name, values in _under(tensors, "log.").items()}
        for name, module in self.modules.items():
            module.load_state_dict(_under(tensors, f"module.{name}."))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, f"optimizer.{name}.").items():
                index, field_name = key.split(".", 1)
                state.setdefault(int(index), {})[field_name] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


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
