"""The models of the chapters on tasks: "Denoising" and "Anomaly detection"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from arae_core import data
from arae_core.critics import DCCritic
from arae_core.encoders import Encoder, WaveletEncoder
from arae_core.generators import DCGenerator, WaveletDecoder
from arae_core.training.checkpoint import Trained
from arae_core.training.dcgan import DCGANConfig
from arae_core.training.dcgan_checkpoint import trained_dcgan
from arae_core.training.denoiser import DenoiserConfig
from arae_core.training.denoiser_checkpoint import trained_denoiser
from arae_core.training.inverter import InverterConfig
from arae_core.training.recipes.parts import (
    Named,
    Parameters,
    inverted,
    loaded,
    pair,
    plain_weights,
    training_images,
)


def denoising(p: Parameters, device: torch.device) -> Named:
    """The two encoders, their denoisers, one without skips, and those on other training sets that are to be tried."""
    train = training_images(p).to(device)
    encoders = pair(p, train, device)
    yield from encoders.items()
    config = DenoiserConfig(
        p["layer"], p["noise"] / 255, plain_weights(p), p["denoiser_epochs"], p["denoiser_batch_size"],
        p["denoiser_lr"], (p["beta1"], p["beta2"]), p["denoiser_schedule"], precision=p["precision"])
    side = p["denoiser_image_size"]
    images = _pictures(p, train, p["denoiser_data"], side, p["recoloured"], p["denoiser_images"]).to(device)
    for title, name, skips in (("standard denoiser", "standard", True), ("robust denoiser", "robust", True),
                               ("robust denoiser, no skips", "robust", False)):
        yield title, _denoiser(p, encoders[name].model, images, config, device, title, skips)
    for source, its_side, share in p["attempts"]:
        more = (side // its_side) ** 2  # as many pixels in a step and in all
        its = _pictures(p, train, source, its_side, share, more * p["denoiser_images"]).to(device)
        title = f"robust denoiser, {source} {its_side} recoloured={share:g}"
        yield title, _denoiser(p, encoders["robust"].model, its,
                               replace(config, batch_size=more * p["denoiser_batch_size"]), device, title)


def anomaly_detection(p: Parameters, device: torch.device) -> Named:
    """The two encoders, and for each class their generators and a DCGAN."""
    train = training_images(p).to(device)
    encoders = pair(p, train, device)
    yield from encoders.items()
    source, its_own = p["anomaly_dataset"] or p["dataset"], bool(p["anomaly_dataset"])
    normal = loaded(p, source, p["image_size"], 0).to(device) if its_own else train
    classes = p["classes"] or list(normal.classes)
    config = InverterConfig(
        layer=p["layer"], weights=plain_weights(p), epochs=p["class_epochs"], batch_size=p["class_batch_size"],
        lr=p["class_lr"], betas=(p["beta1"], p["beta2"]), schedule=p["class_schedule"], precision=p["precision"])
    for name in classes:
        for method, its in encoders.items():
            yield f"{method} {name}", inverted(p, its.model, normal.only(name), config, device, f"{method} {name}")
    size, gan = p["adgan_size"], normal
    if size != p["image_size"]:
        gan = loaded(p, source, size, 0 if its_own else p["train_images"]).to(device)
    config = DCGANConfig(epochs=p["adgan_epochs"], batch_size=p["adgan_batch_size"], lr=p["adgan_lr"],
                         schedule=p["adgan_schedule"], precision=p["precision"])
    for name in classes:
        yield f"DCGAN {name}", trained_dcgan(
            lambda: DCGenerator(size, p["adgan_code"], p["adgan_width"]), lambda: DCCritic(size, p["adgan_width"]),
            gan.only(name), config, seed=p["seed"], device=device, title=f"DCGAN {name}")


def _denoiser(p: Parameters, encoder: Encoder, images: Any, config: DenoiserConfig, device: torch.device, title: str,
              skips: bool = True) -> Trained:
    def build() -> WaveletDecoder:
        return WaveletDecoder(WaveletEncoder(encoder, p["layer"]), skips=skips, spectral_norm=p["spectral_norm"])

    return trained_denoiser(build, encoder, images, config, seed=p["seed"], device=device, title=title)


def _pictures(p: Parameters, train: Any, source: str, side: int, share: float, count: int) -> Any:
    """What a denoiser learns on: crops of the photographs without `kept`; of other data sets, `train` itself."""
    if p["dataset"] != "photos":
        return train.take(count, seed=p["seed"]) if count else train
    if source == "narrow":  # as the encoder's, in number too once the kept ones are out
        its = data.photos("train", count=5 * count // 4, image_size=side, seed=p["seed"])
        seen = torch.tensor([name not in p["kept"] for name in its.classes])[its.labels]
        return data.ImageSet(its.name, its.images[seen], its.labels[seen], its.classes)
    names = [name for name in data.photo_names() if name not in p["kept"]]
    return data.photo_crops(names, count, image_size=side, recoloured=share, seed=p["seed"])
