"""The models of the chapters on encoders: "Robust training", "Robustness sweep", "Other encoders"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from arae_core.encoders import VGG16, AlexNet, Encoder, ResNet18, WideResNet28_10
from arae_core.generators import mirror
from arae_core.losses import InversionWeights
from arae_core.training.checkpoint import trained_classifier, trained_inverter
from arae_core.training.classifier import Attack, ClassifierConfig
from arae_core.training.fast import FastConfig, fgsm_rs
from arae_core.training.free import FreeConfig
from arae_core.training.geometry_aware import GeometryAwareConfig
from arae_core.training.inverter import InverterConfig
from arae_core.training.recipes.parts import (
    Named,
    Parameters,
    classifier_recipe,
    inverted,
    inverter_recipe,
    loaded,
    pair,
    plain_weights,
    training_images,
)


class KaimingAlexNet(AlexNet):
    """AlexNet with the start of He et al. 2015; the chapter defines the same under the same name, so keys agree."""

    def __init__(self, **its: Any):
        super().__init__(**its)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)


NETWORKS: dict[str, type[Encoder]] = {
    "alexnet": AlexNet, "alexnet, kaiming start": KaimingAlexNet, "resnet18": ResNet18}


def robust_training(p: Parameters, device: torch.device) -> Named:
    """The chapter's two encoders, and those of the faster methods."""
    train = training_images(p).to(device)
    yield from pair(p, train, device).items()
    for method in p["fast_methods"]:
        yield method, trained_classifier(_alexnet(p, train), train, _fast_recipe(p, method), seed=p["seed"],
                                         device=device, title=method)


def robustness_sweep(p: Parameters, device: torch.device) -> Named:
    """The encoder of every radius, then its generators."""
    if p["network"] not in NETWORKS:
        raise ValueError(f"network knows {', '.join(NETWORKS)}, not {p['network']!r}")
    train = training_images(p).to(device)
    encoders = {}
    for eps in p["radii"]:
        against = Attack(p["norm"], eps, p["attack_steps"], p["attack_step_ratio"] * eps, keep_best=p["keep_best"])
        recipe = replace(classifier_recipe(p), attack=against if eps else None)
        encoders[eps] = trained_classifier(
            lambda: NETWORKS[p["network"]](image_size=p["image_size"], num_classes=len(train.classes),
                                           width=p["width"]),
            train, recipe, seed=p["seed"], device=device, title=f"eps {eps:g}")
        yield f"eps {eps:g}", encoders[eps]
    weights = InversionWeights(p["pixel_weight"], p["feature_weight"] if "feature" in p["loss_set"] else 0.0,
                               p["adversarial_weight"] if "gan" in p["loss_set"] else 0.0, p["reduction"])
    recipe = inverter_recipe(p, p["layer"], weights, p["generator_epochs"])
    for eps, its in encoders.items():
        title = f"eps {eps:g} {p['layer']} {p['loss_set']}"
        yield title, inverted(p, its.model, train, recipe, device, title)


def other_encoders(p: Parameters, device: torch.device) -> Named:
    """VGG-16 and the wide residual network, standard and robust, then their generators."""
    images, builds, recipes = {}, _other_builds(p), _other_recipes(p)
    for name in ("vgg", "wrn"):
        images[name] = loaded(p, p[f"{name}_dataset"], p[f"{name}_image_size"], p[f"{name}_train_images"]).to(device)
    encoders = {}
    for name, its in recipes.items():
        for kind, recipe in its.items():
            title = f"{'vgg16' if name == 'vgg' else 'wrn28'} {kind}"
            encoders[title] = name, trained_classifier(
                lambda: builds[name](len(images[name].classes)), images[name], recipe, seed=p["seed"], device=device,
                title=title)
            yield title, encoders[title][1]
    for title, (name, its) in encoders.items():
        layer = p[f"{name}_layer"]
        recipe = InverterConfig(
            layer=layer, weights=plain_weights(p), epochs=p["generator_epochs"],
            batch_size=p["generator_batch_size"], lr=p["generator_lr"], betas=(p["beta1"], p["beta2"]),
            schedule=p["generator_schedule"], precision=p["precision"])
        yield f"{title} {layer}", trained_inverter(
            lambda: mirror(its.model, layer, spectral_norm=p["spectral_norm"]), its.model, images[name], recipe,
            seed=p["seed"], device=device, title=f"{title} {layer}")


def _alexnet(p: Parameters, train: Any) -> Callable[[], AlexNet]:
    return lambda: AlexNet(image_size=p["image_size"], num_classes=len(train.classes), width=p["width"])


def _fast_recipe(p: Parameters, method: str) -> ClassifierConfig:
    common = {name: its for name, its in vars(classifier_recipe(p)).items() if name != "attack"}
    if method == "fgsm-rs":
        return FastConfig(**common, attack=fgsm_rs(p["norm"], p["eps"]))
    kind, _, replays = method.partition("-")
    if kind != "free" or not replays.isdigit():
        raise ValueError(f"fast_methods knows fgsm-rs and free-N, N replays of a batch, not {method!r}")
    step = Attack(p["norm"], p["eps"], steps=1, step_size=p["eps"])
    return FreeConfig(**common, attack=step, replays=int(replays))


def _other_builds(p: Parameters) -> dict[str, Callable[[int], Encoder]]:
    def vgg(classes: int) -> VGG16:
        return VGG16(p["vgg_image_size"], classes, p["vgg_width"], mean=(0, 0, 0), std=(1, 1, 1))

    return {"vgg": vgg, "wrn": lambda classes: WideResNet28_10(p["wrn_image_size"], classes, p["wrn_width"])}


def _other_recipes(p: Parameters) -> dict[str, dict[str, ClassifierConfig]]:
    found = {}
    for name in ("vgg", "wrn"):
        common = {its: p[f"{name}_{its}"] for its in ("epochs", "batch_size", "lr", "schedule", "weight_decay",
                                                      "augment")}
        common |= {"clip": p["clip"], "precision": p["precision"]}
        against = Attack("linf", p[f"{name}_eps"], p[f"{name}_attack_steps"], p[f"{name}_attack_step_size"],
                         p[f"{name}_random_start"])
        robust = (ClassifierConfig(**common, attack=against) if name == "vgg" else
                  GeometryAwareConfig(**common, attack=against, burn_in=p["burn_in"], shift=p["shift"]))
        found[name] = {"standard": ClassifierConfig(**common), "robust": robust}
    return found
