"""The models of the chapters that draw images from features: "Inversion", "Unseen resolutions", "Rivals", "Style
transfer"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from arae_core import data
from arae_core.critics import DeepSimCritic
from arae_core.data.weights import WeightsUnavailable
from arae_core.encoders import vgg19
from arae_core.generators import DeepSimGenerator, mirror
from arae_core.losses import InversionWeights
from arae_core.training.checkpoint import Trained, trained_inverter
from arae_core.training.deepsim import DeepSimConfig, DeepSimWeights
from arae_core.training.deepsim_checkpoint import trained_deepsim
from arae_core.training.inverter import InverterConfig
from arae_core.training.recipes.parts import (
    Named,
    Parameters,
    inverted,
    inverter_recipe,
    loaded,
    pair,
    plain_weights,
    training_images,
)
from arae_core.training.split import own


def loss_sets(p: Parameters) -> dict[str, InversionWeights]:
    """The weights that go by the names of "Inversion"'s sets of losses, all three of them."""
    pixel, feature, adversarial = p["pixel_weight"], p["feature_weight"], p["adversarial_weight"]
    return {"pixel": InversionWeights(pixel, 0.0, 0.0, p["reduction"]),
            "pixel+feature": InversionWeights(pixel, feature, 0.0, p["reduction"]),
            "pixel+feature+gan": InversionWeights(pixel, feature, adversarial, p["reduction"])}


def inversion(p: Parameters, device: torch.device) -> Named:
    """The two encoders, their generators under each set of losses, and those of the other layers."""
    train = training_images(p).to(device)
    own(min(p["generator_batch_size"], len(train)))  # refused now, rather than after the encoders' training
    encoders = pair(p, train, device)
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
            yield title, inverted(p, its.model, train, config, device, title)


def unseen_resolutions(p: Parameters, device: torch.device) -> Named:
    """The two encoders, and for each layer their generators."""
    train = training_images(p).to(device)
    encoders = pair(p, train, device)
    yield from encoders.items()
    for layer in p["layers"]:
        epochs = p["generator_epochs"] if layer == p["layer"] else p["layer_epochs"]
        for name, its in encoders.items():
            config = inverter_recipe(p, layer, plain_weights(p), epochs)
            yield f"{name} {layer}", inverted(p, its.model, train, config, device, f"{name} {layer}")


def rivals(p: Parameters, device: torch.device) -> Named:
    """The two encoders, a mirror for each, and the larger generators in the manner of DeePSiM."""
    train = training_images(p).to(device)
    encoders = pair(p, train, device)
    yield from encoders.items()
    for name in ("robust", "standard"):
        config = inverter_recipe(p, p["layer"], plain_weights(p), p["generator_epochs"])
        title = f"{name} {p['layer']}"
        yield title, inverted(p, encoders[name].model, train, config, device, title)
    weights = DeepSimWeights(1.0, p["deepsim_feature_weight"], p["deepsim_adversarial_weight"])
    wanted = [("Dosovitskiy-Brox", "robust", DeepSimWeights(image=1.0), p["db_lr"]),
              ("DeePSiM", "robust", weights, p["deepsim_lr"]), ("DeePSiM, standard", "standard", weights, p["deepsim_lr"])]
    wanted += [(f"DeePSiM, feature={feature:g} adversarial={adversarial:g} lr={rate:g}", "robust",
                DeepSimWeights(1.0, feature, adversarial), rate) for feature, adversarial, rate in p["deepsim_search"]]
    for title, name, its, rate in wanted:
        yield title, _deepsim(p, encoders[name].model, train, its, rate, device, title)


def style_transfer(p: Parameters, device: torch.device) -> Named:
    """The two encoders, three generators for each, and UST's decoders where VGG-19's weights are at hand."""
    train = training_images(p).to(device)
    encoders = pair(p, train, device)
    yield from encoders.items()
    small, large = (_crops(p, p[f"{kind}_image_size"], p[f"{kind}_images"]).to(device) for kind in ("shallow", "deep"))
    for name, its in encoders.items():
        for layer in ("conv5", "conv2", "conv1"):
            depth, upsampling = ("deep", "transposed") if layer == "conv5" else ("shallow", "nearest")
            config = inverter_recipe(p, layer, plain_weights(p), p[f"{depth}_epochs"], p[f"{depth}_batch_size"])
            images = large if depth == "deep" else small
            yield f"{name} {layer}", inverted(p, its.model, images, config, device, f"{name} {layer}", upsampling)
    try:
        judge = vgg19(p["deep_image_size"]).to(device)
    except WeightsUnavailable:
        return
    crops = large.take(min(p["ust_images"], len(large)), seed=p["seed"])
    for layer in reversed(judge.layers):
        config = InverterConfig(
            layer=layer, weights=replace(plain_weights(p), reduction="mean"), epochs=p["deep_epochs"],
            batch_size=p["ust_batch_size"], lr=p["generator_lr"], precision=p["precision"])
        yield f"VGG-19 {layer}", trained_inverter(
            lambda: mirror(judge, layer, upsampling="nearest"), judge, crops, config, seed=p["seed"], device=device,
            title=f"VGG-19 {layer}")


def _deepsim(p: Parameters, encoder: Any, train: Any, weights: DeepSimWeights, rate: float, device: torch.device,
             title: str) -> Trained:
    shape = encoder.feature_shape(p["layer"])
    config = DeepSimConfig(layer=p["layer"], weights=weights, epochs=p["deepsim_epochs"],
                           batch_size=p["deepsim_batch_size"], lr=rate, critic_lr=rate,
                           schedule=p["deepsim_schedule"], precision=p["precision"])
    return trained_deepsim(
        lambda: DeepSimGenerator(shape, p["image_size"], p["deepsim_width"]), encoder, train, config, seed=p["seed"],
        build_critic=(lambda: DeepSimCritic(shape, p["image_size"], p["deepsim_critic_width"]))
        if weights.adversarial else None, device=device, title=title)


def _crops(p: Parameters, size: int, count: int) -> Any:
    if p["generator_dataset"] == "photo-crops":
        return data.photo_crops(data.photo_names(), count, image_size=size, recoloured=p["recoloured"], seed=p["seed"])
    return loaded(p, p["generator_dataset"], size, count)
