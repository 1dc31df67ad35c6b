"""Find it, else train it: the one place where a chapter's models come from.

A model's key is a digest of what a person declared: the loop and the `VERSION` that stands beside it, the network's
specification, the config, the data, the seed. Source text is no part of it; who changes a loop or a network so that
its numbers change says so by a new `VERSION`, and a test (`tests/training/test_versions.py`) asks for the decision.
Looked for in the local store, then among the reference models; else trained, once, whoever else wants the model too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import torch
from torch import Tensor, nn

from arae_core.data import AbsentImages, Images
from arae_core.networks import Encoder, specification
from arae_core.seeds import derive_seed
from arae_core.store import store_dir
from arae_core.training import distributed, files, memory
from arae_core.training.reference import reference_by_key, unlike
from arae_core.training.run import History

_listeners: list[Callable[[Trained], object]] = []


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, how its training went, and where it lies."""

    model: nn.Module
    history: History
    key: str
    path: Path
    found: bool  # True: loaded; False: trained just now
    title: str

    @property
    def seconds(self) -> float:
        """What its training took, on whatever machine that was."""
        return sum(epoch["seconds"] for epoch in self.history)


def find_else_train(
    build: Callable[[], nn.Module],
    loop: Callable[..., History],
    data: Images,
    config: Any,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    title: str | None = None,
    encoder: Encoder | None = None,
    build_discriminator: Callable[[], nn.Module] | None = None,
) -> Trained:
    """The model that `loop` makes of `build()` and `data`: found, else trained.

    Args:
        build: makes the untrained network; called with torch's seed set, so the seed decides the start.
        loop: called as loop(model, data, config, seed=, state_file=, title=), with `encoder` and `discriminator` where
            they are given here. In its module stand its VERSION and its ROLE, which names the stream of the start.
        data: training set with a `digest`, see `arae_core.data`; of `AbsentImages` models are found only.
        config: the loop's recipe, a dataclass with a `batch_size`.
        encoder: a frozen network that the loop works with; it enters the key by its weights.
        build_discriminator: makes the opponent that is trained beside the model, and not kept.
        title: what progress bars call it; no part of the key.

    Raises:
        CheckpointError: the store cannot be written, a file in it is not what it says, or the images are absent and no
            model is the one asked for (the nearest is named). BatchTooLarge: memory ran
            out. And what the loop raises.
    """
    model = built(build, seed, sys.modules[loop.__module__].ROLE).to(device)
    parts: dict[str, Any] = {"encoder": encoder} if encoder is not None else {}
    if build_discriminator is not None:
        parts["discriminator"] = built(build_discriminator, seed, "critic").to(device)
    declared = declaration(model, loop, data, config, seed, **parts)
    name = f"{declared['loop'].removeprefix('train_')}-{digest_of(declared)}"
    title = title or name

    def train(state_file: Path) -> History:
        if isinstance(data, AbsentImages):
            raise files.CheckpointError(f"no reference model is {title!r} as asked for: {unlike(declared)}")
        with memory.explained(config.batch_size, device):
            return loop(model, data, config, seed=seed, state_file=state_file, title=title, **parts)

    said = {"declared": json.dumps(declared), "config": json.dumps(dataclasses.asdict(config), default=str),
            "data": f"{data.name} {data.digest}", "notes": data.notes, "seed": str(seed), "device": str(device),
            "torch": torch.__version__}  # fmt: skip
    trained = _found_or_trained(model, name, train, said, title)
    for listener in _listeners:
        listener(trained)
    return trained


def declaration(
    model: nn.Module,
    loop: Callable[..., History],
    data: Images,
    config: Any,
    seed: int,
    *,
    encoder: Encoder | None = None,
    discriminator: nn.Module | None = None,
) -> dict[str, Any]:
    """All that decides a model's weights, as its key and its file have it.

    Fields of the config at their defaults are left out, so a new field does not change the keys of old models.
    """
    declared = {"loop": loop.__name__, "version": sys.modules[loop.__module__].VERSION, "model": specification(model),
                "config": declared_fields(config), "data": data.digest, "seed": seed}  # fmt: skip
    if encoder is not None:
        declared["encoder"] = files.digest(encoder.state_dict())
    if discriminator is not None:
        declared["discriminator"] = specification(discriminator)
    return declared


def declared_fields(config: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their defaults, nested ones alike, with the class's name."""
    kept = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        if value != default:
            kept[field.name] = declared_fields(value) if dataclasses.is_dataclass(value) else value
    return {"config": type(config).__name__, **json.loads(json.dumps(kept, default=str))}


def digest_of(declared: dict[str, Any]) -> str:
    """sha256 (16 hex digits) of a declaration."""
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:16]


def built(build: Callable[[], nn.Module], seed: int, role: str) -> nn.Module:
    """An untrained network whose start is decided by the seed and its role ("classifier", "critic")."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "init", role))
        return build()


@contextmanager
def listening(listener: Callable[[Trained], object]) -> Iterator[None]:
    """Inside, `listener` is told of every model as it is found or trained."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _found_or_trained(
    model: nn.Module, name: str, train: Callable[[Path], History], said: dict[str, str], title: str
) -> Trained:
    final = store_dir() / "models" / f"{name}.safetensors"
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        way_out = "set ARAE_STORE to a folder you may write"
        raise files.CheckpointError(f"cannot make the store {final.parent}: {error}; {way_out}") from error
    if distributed.any_of(distributed.from_first(name) != name):
        alike = "start all with the same parameters, data and versions"
        raise ValueError(f"the processes do not want the same model: {alike}")
    with ExitStack() as held:
        if distributed.rank() == 0:
            held.enter_context(filelock.FileLock(final.with_suffix(".lock")))
        found = final if final.exists() else reference_by_key(name) if distributed.rank() == 0 else None
        path = distributed.from_first(str(found) if found else None)
        if path is not None:
            metadata = files.load_into(model, Path(path))
            model.eval().to(memory_format=torch.channels_last)
            return Trained(model, json.loads(metadata["history"]), name, Path(path), True, title)
        unfinished = final.with_suffix(".partial")
        history = train(unfinished)
        weights = {key: _halved(value) for key, value in model.state_dict().items()}
        model.load_state_dict(weights)  # so that a model just trained is the one that will be found
        if distributed.rank() == 0:
            files.save(final, weights, {**said, "key": name, "history": json.dumps(history)})
            unfinished.unlink(missing_ok=True)
        history = distributed.from_first(history)  # after it is saved: nobody looks for it too early
        if distributed.rank() > 0:
            files.load_into(model, final)  # batch norm's running statistics are each process's own
    return Trained(model, history, name, final, False, title)


def _halved(value: Tensor) -> Tensor:
    """Weights are kept as float16: half the size to commit and to fetch, 11 bits of precision."""
    half = value.half() if value.is_floating_point() else value
    return half if torch.isfinite(half).all() else value
