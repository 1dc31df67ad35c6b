"""From a chapter's parameters to the models that it trains: what `arae train` builds without a notebook.

The chapters spell the same out cell by cell, for reading. A test compares the keys of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from arae_core import data
from arae_core.critics import FeatureCritic
from arae_core.encoders import AlexNet, Encoder
from arae_core.generators import alexnet_inverter, mirror
from arae_core.losses import InversionWeights
from arae_core.training.checkpoint import Trained, trained_inverter
from arae_core.training.classifier import Attack, ClassifierConfig
from arae_core.training.inverter import InverterConfig
from arae_core.training.pair import standard_and_robust
from arae_core.training.split import own

Parameters = dict[str, Any]  # by the names of the chapter's parameters cell
Named = Iterator[tuple[str, Trained]]


def training_images(p: Parameters) -> Any:
    """The training set that `dataset` names."""
    return data.load(p["dataset"], "train", image_size=p["image_size"], count=p["train_images"] or None,
                     seed=p["seed"])


def classifier_recipe(p: Parameters) -> ClassifierConfig:
    """How both encoders are trained, the attack aside."""
    names = ("epochs", "batch_size", "lr", "schedule", "weight_decay", "clip", "augment", "precision")
    return ClassifierConfig(**{name: p[name] for name in names})


def attack(p: Parameters) -> Attack:
    """What the robust encoder is trained against."""
    return Attack(p["norm"], p["eps"], p["attack_steps"], p["attack_step_size"], keep_best=p["keep_best"])


def loss_sets(p: Parameters) -> dict[str, InversionWeights]:
    """The weights that go by the names of "Inversion"'s sets of losses, all three of them."""
    pixel, feature, adversarial = p["pixel_weight"], p["feature_weight"], p["adversarial_weight"]
    return {"pixel": InversionWeights(pixel, 0.0, 0.0, p["reduction"]),
            "pixel+feature": InversionWeights(pixel, feature, 0.0, p["reduction"]),
            "pixel+feature+gan": InversionWeights(pixel, feature, adversarial, p["reduction"])}


def inverter_recipe(p: Parameters, layer: str, weights: InversionWeights, epochs: int) -> InverterConfig:
    """How a generator for one layer is trained."""
    return InverterConfig(layer=layer, weights=weights, epochs=epochs, batch_size=p["generator_batch_size"],
                          lr=p["generator_lr"], critic_lr=p["critic_lr"], betas=(p["beta1"], p["beta2"]),
                          schedule=p["generator_schedule"], precision=p["precision"])


def generator(p: Parameters, encoder: Encoder, layer: str) -> nn.Module:
    """The paper's own decoder where it is asked for and there is one, else the mirror."""
    if p["paper_generators"] and layer in ("conv1", "conv2", "conv5"):
        return alexnet_inverter(layer)
    return mirror(encoder, layer, spectral_norm=p["spectral_norm"])


def robust_training(p: Parameters, device: torch.device) -> Named:
    """The chapter's two encoders, each found or trained as it is asked for."""
    train = training_images(p).to(device)
    yield from _encoders(p, train, device).items()


def inversion(p: Parameters, device: torch.device) -> Named:
    """The two encoders, their generators under each set of losses, and those of the other layers."""
    train = training_images(p).to(device)
    own(min(p["generator_batch_size"], len(train)))  # refused now, rather than after the encoders' training
    encoders = _encoders(p, train, device)
    yield from encoders.items()
    sets = loss_sets(p)
    if unknown := set(p["loss_sets"]) - set(sets):
        raise ValueError(f"loss_sets knows {', '.join(sets)}, not {', '.join(sorted(unknown))}")
    wanted = [(name, p["layer"], p["generator_epochs"]) for name in p["loss_sets"]]
    wanted += [("pixel+feature", layer, p["layer_epochs"]) for layer in p["layers"] if layer != p["layer"]]
    for losses, layer, epochs in wanted:
        config = inverter_recipe(p, layer, sets[losses], epochs)
        for name, its in encoders.items():
            title = f"{name} {layer} {losses}"
            yield title, _inverted(p, its.model, train, config, device, title)


CHAPTERS: dict[str, Callable[[Parameters, torch.device], Named]] = {
    "robust_training": robust_training, "inversion": inversion}


def _encoders(p: Parameters, train: Any, device: torch.device) -> dict[str, Trained]:
    def build() -> AlexNet:
        return AlexNet(image_size=p["image_size"], num_classes=len(train.classes), width=p["width"])

    return standard_and_robust(build, train, classifier_recipe(p), attack(p), seed=p["seed"], device=device)


def _inverted(
    p: Parameters, encoder: Encoder, train: Any, config: InverterConfig, device: torch.device, title: str
) -> Trained:
    def critic() -> FeatureCritic:
        return FeatureCritic(encoder.feature_shape(config.layer), image_size=p["image_size"])

    return trained_inverter(lambda: generator(p, encoder, config.layer), encoder, train, config, seed=p["seed"],
                            build_critic=critic if config.weights.adversarial else None, device=device, title=title)
