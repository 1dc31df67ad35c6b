"""Find it, else train it: the one place where a chapter's models come from.

A model's key is a digest of everything that decides its weights: architecture, recipe, data, seed
and the code of the loop. Looked for in the local store, then among the reference models, here or hosted;
else trained, saving as it goes. Two processes that want the same model do not both train it; those that
`several` joins train it together, and the first of them alone writes.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import inspect
import json
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from arae_core.attacks import L2Ball, ascend, frozen
from arae_core.networks import Encoder
from arae_core.networks.blocks import initialise
from arae_core.losses import critic_loss, inversion_loss
from arae_core.seeds import derive_seed
from arae_core.store import store_dir
from arae_core.training import account, memory, safefile, several
from arae_core.training.classifier import ClassifierConfig, check_config, train_classifier
from arae_core.systems.fast_training.fast import FastConfig, train_fast
from arae_core.systems.fast_training.free import FreeConfig, train_free
from arae_core.systems.geometry_aware.training import GeometryAwareConfig, train_geometry_aware
from arae_core.training.inverter import InverterConfig, train_inverter
from arae_core.systems.fast_training.overfitting_alarm import Watch
from arae_core.training.rearranged import rearranged
from arae_core.training.reference import reference_by_key
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor
from arae_core.training.split import split

# Whose modules decide the numbers of a training run; `code_digest` takes each module whole.
CLASSIFIER_CODE = (train_classifier, ascend, L2Ball, frozen, factor)
GEOMETRY_AWARE_CODE = (train_geometry_aware, *CLASSIFIER_CODE)
FAST_CODE = (train_fast, Watch, *CLASSIFIER_CODE)
FREE_CODE = (train_free, Watch, *CLASSIFIER_CODE)
INVERTER_CODE = (train_inverter, inversion_loss, critic_loss, frozen, factor, initialise)
BATCHING = (Run._batches, Run._seed_step)  # of a run, the rest is book-keeping


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, how its training went, and where it lies."""

    model: nn.Module
    history: History
    key: str
    path: Path
    found: bool  # True: loaded; False: trained just now

    @property
    def seconds(self) -> float:
        """What its training took, on whatever machine that was."""
        return sum(epoch["seconds"] for epoch in self.history)


def trained_classifier(
    build: Callable[[], nn.Module], data: Any, config: ClassifierConfig, *, seed: int,
    device: torch.device | str = "cpu", title: str = "classifier",
) -> Trained:
    """An encoder trained as `config` says, by the loop that its type belongs to: found, else trained.

    Args:
        build: makes the untrained encoder; called with torch's seed set, so the seed decides the start.
        data: training set with a `digest`, see `arae_core.data`.
        title: what progress bars call it; no part of the key.
    """
    encoder = built(build, seed, "classifier").to(device)
    check_config(config, 3 * encoder.image_size**2)
    if isinstance(config, GeometryAwareConfig):
        kind, loop, code = "geometry-aware classifier", train_geometry_aware, GEOMETRY_AWARE_CODE
    elif isinstance(config, FastConfig):
        kind, loop, code = "fast classifier", train_fast, FAST_CODE
    elif isinstance(config, FreeConfig):
        kind, loop, code = "free classifier", train_free, FREE_CODE
    else:
        kind, loop, code = "classifier", train_classifier, CLASSIFIER_CODE
    key = model_key(kind, encoder, config, data, seed, code=code)

    def train(state_file: Path) -> History:
        with split(encoder), rearranged(encoder):
            return loop(encoder, data, config, seed=seed, state_file=state_file, title=title)

    card = {**model_card(config, data, seed, device), "image_size": str(encoder.image_size)}  # no weight tells that
    return find_else_train(encoder, f"classifier-{key}", train, card)


def trained_inverter(
    build: Callable[[], nn.Module], encoder: Encoder, data: Any, config: InverterConfig, *, seed: int,
    build_critic: Callable[[], nn.Module] | None = None,
    device: torch.device | str = "cpu", title: str = "inverter",
) -> Trained:
    """A generator that inverts `encoder` at `config.layer`: found, else trained.

    The encoder enters the key by its weights, so any change of it means another generator.
    """
    generator = built(build, seed, "generator").to(device)
    critic = built(build_critic, seed, "critic").to(device) if build_critic is not None else None
    key = model_key("inverter", generator, config, data, seed, code=INVERTER_CODE,
                    critic=architecture(critic) if critic is not None else None,
                    encoder=safefile.digest(encoder.state_dict()))

    def train(state_file: Path) -> History:
        with split(generator, encoder, critic), rearranged(encoder):
            return train_inverter(generator, encoder, data, config, seed=seed, critic=critic,
                                  state_file=state_file, title=title)

    return find_else_train(generator, f"inverter-{key}", train, model_card(config, data, seed, device))


def find_else_train(model: nn.Module, name: str, train: Callable[[Path], History], card: dict[str, str]) -> Trained:
    """Load the weights that go by `name`, its key, or else train them and keep them under it.

    train: takes the file for its unfinished state, returns the history. card: what a stranger should know of it.
    """
    started = time.monotonic()
    trained = _found_or_trained(model, name, train, card)
    account.note(name, found=trained.found, history=trained.history, spent=time.monotonic() - started)
    return trained


def _found_or_trained(model: nn.Module, name: str, train: Callable[[Path], History], card: dict[str, str]) -> Trained:
    final = store_dir() / "models" / f"{name}.safetensors"
    unfinished = final.with_suffix(".partial")
    _writable(final.parent)
    _all_want(name)
    with several.locked(final.with_suffix(".lock")):
        found = final if final.exists() else reference_by_key(name)
        path = several.from_first(str(found) if found else None)
        if path is not None:
            metadata = safefile.load_into(model, Path(path))
            model.eval().to(memory_format=torch.channels_last)
            return Trained(model, json.loads(metadata["history"]), name, Path(path), found=True)
        with memory.explained(json.loads(card["config"])["batch_size"], next(model.parameters()).device):
            history = train(unfinished)
        weights = {name: _halved(value) for name, value in model.state_dict().items()}
        model.load_state_dict(weights)  # so that a model just trained is the one that will be found
        if several.rank() == 0:
            safefile.save(final, weights, {**card, "key": name, "history": json.dumps(history)})
            unfinished.unlink(missing_ok=True)
        history = several.from_first(history)  # said after it is saved, so that nobody looks for it too early
    return Trained(model, history, name, final, found=False)


def _all_want(name: str) -> None:
    first = several.from_first(name)
    if any(several.agreed(first != name)):
        raise ValueError("the processes do not want the same model: start all with the same parameters, data and "
                         "versions")


def _halved(value: Tensor) -> Tensor:
    """Weights are kept as float16: half the size to commit and to fetch, 11 bits of precision."""
    half = value.half() if value.is_floating_point() else value
    return half if torch.isfinite(half).all() else value


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise safefile.CheckpointError(
            f"cannot make the store {folder}: {error}; set ARAE_STORE to a folder you may write") from error


def built(build: Callable[[], nn.Module], seed: int, role: str) -> nn.Module:
    """An untrained network whose start is decided by the seed and its role ("classifier", "critic")."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "init", role))
        return build()


def model_key(kind: str, model: nn.Module, config: Any, data: Any, seed: int, *, code: tuple, **more: Any) -> str:
    """Digest of all that decides a model's weights; code: one thing from each module whose code does."""
    parts = {"kind": kind, "model": architecture(model), "config": dataclasses.asdict(config),
             "data": data.digest, "seed": seed,
             "code": code_digest(*map(inspect.getmodule, (*code, type(data))), *BATCHING), **more}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def architecture(model: nn.Module) -> str:
    """Layers with their arguments, constants (mean and std), and the code that our own classes run."""
    constants = {name: buffer.flatten().tolist() for name, buffer in model.named_buffers()
                 if name.endswith(("mean", "std")) and buffer.numel() == 3}
    classes = {cls for module in model.modules() for cls in type(module).__mro__
               if cls.__module__.startswith("arae_core")}
    passes = [cls.__dict__[name] for cls in sorted(classes, key=lambda cls: cls.__qualname__)
              for name in ("features", "forward") if name in cls.__dict__]
    layers = repr(model).replace("bias=True, ", "")  # newer torch says this of batch norm, older does not
    return hashlib.sha256(f"{layers}{constants}{code_digest(*passes)}".encode()).hexdigest()[:16]


def model_card(config: Any, data: Any, seed: int, device: torch.device | str) -> dict[str, str]:
    """What a stranger with the file alone should know."""
    return {"config": json.dumps(dataclasses.asdict(config), default=str), "data": f"{data.name} {data.digest}",
            "notes": data.notes, "seed": str(seed), "device": str(device), "torch": torch.__version__}


def code_digest(*objects: Any) -> str:
    """Digest of functions', classes' or modules' code: comments, docstrings and layout do not count."""
    trees = [ast.parse(textwrap.dedent(inspect.getsource(thing))) for thing in objects]
    return hashlib.sha256("\n".join(_shape_of(tree) for tree in trees).encode()).hexdigest()[:16]


def _shape_of(node: Any) -> str:
    """A syntax tree as text that is the same on every Python version that has the syntax."""
    if isinstance(node, list):
        return "[" + ",".join(_shape_of(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    body = fields.get("body")
    if isinstance(body, list) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        fields["body"] = body[1:]  # a docstring
    return type(node).__name__ + "(" + ",".join(f"{k}={_shape_of(v)}" for k, v in fields.items()) + ")"
