"""What the recipes of several chapters share: data, encoders' and generators' recipes, by the parameters' names."""

from __future__ import annotations

from collections.abc import Iterator
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

Parameters = dict[str, Any]  # by the names of the chapter's parameters cell
Named = Iterator[tuple[str, Trained]]


def training_images(p: Parameters) -> Any:
    """The training set that `dataset` names."""
    return loaded(p, p["dataset"], p["image_size"], p["train_images"])


def loaded(p: Parameters, dataset: str, image_size: int, count: int) -> Any:
    """The training split of another one; count: 0 for all images."""
    return data.load(dataset, "train", image_size=image_size, count=count or None, seed=p["seed"])


def classifier_recipe(p: Parameters) -> ClassifierConfig:
    """How the encoders are trained, the attack aside."""
    names = ("epochs", "batch_size", "lr", "schedule", "weight_decay", "clip", "augment", "precision")
    return ClassifierConfig(**{name: p[name] for name in names})


def attack(p: Parameters) -> Attack:
    """What the robust encoder is trained against."""
    return Attack(p["norm"], p["eps"], p["attack_steps"], p["attack_step_size"], keep_best=p["keep_best"])


def pair(p: Parameters, train: Any, device: torch.device) -> dict[str, Trained]:
    """The standard and the robust AlexNet, each found or trained."""
    def build() -> AlexNet:
        return AlexNet(image_size=p["image_size"], num_classes=len(train.classes), width=p["width"])

    return standard_and_robust(build, train, classifier_recipe(p), attack(p), seed=p["seed"], device=device)


def plain_weights(p: Parameters) -> InversionWeights:
    """Those of pixel and feature loss, without a critic."""
    return InversionWeights(p["pixel_weight"], p["feature_weight"], 0.0, p["reduction"])


def inverter_recipe(p: Parameters, layer: str, weights: InversionWeights, epochs: int,
                    batch_size: int | None = None) -> InverterConfig:
    """How a generator for one layer is trained. batch_size: if not `generator_batch_size`."""
    return InverterConfig(layer=layer, weights=weights, epochs=epochs,
                          batch_size=batch_size or p["generator_batch_size"], lr=p["generator_lr"],
                          critic_lr=p["critic_lr"], betas=(p["beta1"], p["beta2"]), schedule=p["generator_schedule"],
                          precision=p["precision"])


def generator(p: Parameters, encoder: Encoder, layer: str, upsampling: str = "transposed") -> nn.Module:
    """The paper's own decoder where it is asked for and there is one, else the mirror."""
    if p["paper_generators"] and layer in ("conv1", "conv2", "conv5"):
        return alexnet_inverter(layer)
    return mirror(encoder, layer, spectral_norm=p["spectral_norm"], upsampling=upsampling)


def inverted(p: Parameters, encoder: Encoder, train: Any, config: InverterConfig, device: torch.device, title: str,
             upsampling: str = "transposed") -> Trained:
    """A generator for the encoder's layer, and a critic beside it if the weights ask for one."""
    def critic() -> FeatureCritic:
        return FeatureCritic(encoder.feature_shape(config.layer), image_size=p["image_size"])

    return trained_inverter(lambda: generator(p, encoder, config.layer, upsampling), encoder, train, config,
                            seed=p["seed"], build_critic=critic if config.weights.adversarial else None,
                            device=device, title=title)
