"""A checkpoint's card, made from the file, from what it says of itself, and from the record that measured it.

A file's name says what it holds: `<which>-encoder`, and `<which>-<layer>-generator` for a generator that inverts that
encoder. The measures are those of the chapter "Robust training" for an encoder and "Inversion" for a generator, of the
same profile, seed and recipe. A model that no record belongs to has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import nn

from arae_core.training import CardError, ClassifierConfig, ModelCard
from arae_core.training.recognise import encoder_of, generator_of
from arae_core.training.safefile import card as metadata_of
from arae_core.training.safefile import shapes

from .record import Record, read_all

SOURCE = "trained by this book, after Rojas-Gomez et al. (ACCV 2022)"
LICENCE = "MIT"
# What the weights' users should know of the images behind them.
_LICENCES = {
    "cifar10": "MIT, as the book's code; learned from CIFAR-10 (Krizhevsky 2009), whose images come without a licence",
    "tiny-imagenet": "MIT, as the book's code; learned from Tiny ImageNet, whose images are ImageNet's: research only",
    "imagenet": "MIT, as the book's code; learned from ImageNet, whose terms allow research that is not commercial",
}
_RECIPE = ("epochs", "batch_size", "lr", "schedule", "weight_decay", "clip", "augment", "precision")
_ATTACK = {"norm": "norm", "eps": "eps", "steps": "attack_steps", "step_size": "attack_step_size",
           "keep_best": "keep_best"}
_GENERATOR = {"batch_size": "generator_batch_size", "lr": "generator_lr", "critic_lr": "critic_lr",
              "schedule": "generator_schedule", "precision": "precision"}


def card_of(path: Path) -> ModelCard:
    """The card of `book/reference/<profile>/models/<name>.safetensors`; licence and address are its present card's.

    Raises CardError, with the path, for a file that does not say how it was trained, whose shapes are of no network
    of the book, or whose name says nothing; CheckpointError for one that is not whole.
    """
    said = metadata_of(path)
    if not {"key", "config", "data", "notes", "seed"} <= said.keys():
        raise CardError(f"{path} does not say how it was trained; put the checkpoint there as the store has it")
    kind = said["key"].rsplit("-", 1)[0]
    try:
        if kind == "classifier":
            own = _encoder(path, said)
        elif kind == "inverter":
            own = _generator(path, said)
        else:
            raise ValueError(f"it holds a {kind}, and cards are made for encoders and the generators that invert them")
    except ValueError as error:
        raise CardError(f"{path} gets no card: {error}") from error
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name, _, data_digest = said["data"].rpartition(" ")
    former = ModelCard.read(path.with_suffix(".yaml")) if path.with_suffix(".yaml").exists() else None
    return ModelCard(
        name=path.stem, profile=path.parents[1].name, **own,
        data={"name": name, "digest": data_digest, "notes": said["notes"]}, seed=int(said["seed"]),
        recipe=json.loads(said["config"]), key=said["key"], bytes=path.stat().st_size, sha256=digest,
        licence=former.licence if former else _LICENCES.get(name, LICENCE), source=SOURCE,
        address=former.address if former else None)


def record_of(card: ModelCard, reference: Path) -> Record | None:
    """The record that holds the card's measures. reference: `book/reference`.

    Raises CardError, with the way out, if it is not there or lacks one of them.
    """
    if card.record is None:
        return None
    path = reference / card.profile / "records" / card.record
    record = Record.read(path) if path.is_file() else None
    absent = [name for name in card.measures if record is None or name not in record.metrics]
    if record is None or absent:
        raise CardError(f"{path}, which the card of {card.title} names, "
                        f"{f'has no {absent}' if record else 'is not there'}: `arae models --write`")
    return record


def _encoder(path: Path, said: Mapping[str, str]) -> dict[str, Any]:
    if not path.stem.endswith("-encoder"):
        raise ValueError("an encoder's file is called <which>-encoder")
    size = said.get("image_size")
    encoder, arguments = encoder_of(shapes(path), int(size) if size else None)
    recipe = json.loads(said["config"])
    attack = recipe.get("attack") or {"norm": None, "eps": None}
    plain = recipe.keys() <= {field.name for field in fields(ClassifierConfig)}  # not one of the faster variants
    record = _newest(r for r in read_all(_records(path)) if plain and r.chapter == "robust_training"
                     and _measured_encoder(r, said, recipe, arguments))
    side = "robust" if recipe.get("attack") else "standard"
    return {
        "role": "encoder", "architecture": type(encoder).__name__, "arguments": arguments, "encoder": None,
        "layer": None, "parameters": _count(encoder), "image_size": encoder.image_size,
        "inputs": f"images, float (B, 3, {encoder.image_size}, {encoder.image_size}) in [0, 1]",
        "mean": _channels(encoder.mean), "std": _channels(encoder.std), "norm": attack["norm"], "eps": attack["eps"],
        **_measures(record, ("accuracy",), side),
    }


def _generator(path: Path, said: Mapping[str, str]) -> dict[str, Any]:
    recipe = json.loads(said["config"])
    layer, ending = recipe["layer"], f"-{recipe['layer']}-generator"
    if not path.stem.endswith(ending):
        raise ValueError(f"the file of a generator for {layer} is called <which>{ending}")
    inverted = path.with_name(path.stem.removesuffix(ending) + "-encoder.safetensors")
    if not inverted.exists() and not inverted.with_suffix(".yaml").exists():
        raise ValueError(f"the encoder that it inverts, {inverted.name}, has neither a file nor a card beside it")
    of = card_of(inverted) if inverted.exists() else ModelCard.read(inverted.with_suffix(".yaml"))
    encoder = _build(of)
    generator, builder, arguments = generator_of(shapes(path), encoder, layer)
    channels = ", ".join(map(str, encoder.feature_shape(layer)))
    encoders_own = {"data": f"{of.data['name']} {of.data['digest']}", "seed": str(of.seed)}
    conditions = {r.file_name: _condition(r.parameters, recipe) for r in read_all(_records(path))
                  if r.chapter == "inversion" and _measured_encoder(r, encoders_own, of.recipe, of.arguments)
                  and r.seed == int(said["seed"])}
    record = _newest(r for r in read_all(_records(path)) if conditions.get(r.file_name))
    return {
        "role": "generator", "architecture": builder, "arguments": arguments, "encoder": of.name, "layer": layer,
        "parameters": _count(generator), "image_size": encoder.image_size,
        "inputs": f"features of {of.name} at {layer}, float (B, {channels})", "mean": None, "std": None,
        "norm": of.norm, "eps": of.eps,
        **_measures(record, ("psnr", "ssim", "lpips"), "robust" if of.recipe.get("attack") else "standard",
                    conditions[record.file_name] if record else None),
    }


def _build(card: ModelCard) -> nn.Module:
    from arae_core import encoders

    return getattr(encoders, card.architecture)(**card.arguments)


def _measured_encoder(record: Record, said: Mapping[str, str], recipe: Mapping[str, Any],
                      arguments: Mapping[str, Any]) -> bool:
    """Whether the record's run had this encoder: data, seed, size, recipe and, if there is one, attack."""
    p = record.parameters
    attack = recipe.get("attack") or {}
    return (record.seed == int(said["seed"]) and record.data["name"] == said["data"].rpartition(" ")[0]
            and all(p.get(name) == recipe.get(name) for name in _RECIPE)
            and all(p.get(name) == arguments[name] for name in ("image_size", "width"))
            and all(p.get(theirs) == attack[ours] for ours, theirs in _ATTACK.items() if attack))


def _condition(p: Mapping[str, Any], recipe: Mapping[str, Any]) -> str | None:
    """Under which name a run of "Inversion" at parameters p measured a generator of this recipe, if it did."""
    weights = recipe["weights"]
    losses = "pixel+feature+gan" if weights["adversarial"] else "pixel+feature" if weights["feature"] else "pixel"
    same = (all(p.get(theirs) == recipe[ours] for ours, theirs in _GENERATOR.items())
            and [p.get("beta1"), p.get("beta2")] == list(recipe["betas"])
            and p.get("reduction") == weights["reduction"]
            and all(weights[name] in (0.0, p.get(f"{name}_weight")) for name in ("pixel", "feature", "adversarial")))
    if not same:
        return None
    if recipe["layer"] == p["layer"]:
        return losses if recipe["epochs"] == p["generator_epochs"] and losses in p["loss_sets"] else None
    of_layer = losses == "pixel+feature" and recipe["layer"] in p["layers"] and recipe["epochs"] == p["layer_epochs"]
    return recipe["layer"] if of_layer else None


def _measures(
    record: Record | None, metrics: tuple[str, ...], side: str, condition: str | None = None
) -> dict[str, Any]:
    found = []
    for name in record.metrics if record else ():
        metric, its_side, *its_condition = name.split("/")
        if metric in metrics and its_side == side and condition in (None, *its_condition):
            found.append(name)
    return {"record": record.file_name if record and found else None, "measures": found}


def _newest(records: Iterable[Record]) -> Record | None:
    return max(records, key=lambda record: record.created, default=None)


def _records(path: Path) -> Path:
    return path.parents[1] / "records"


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _channels(buffer: Any) -> list[float]:
    return [round(value, 4) for value in buffer.flatten().tolist()]
