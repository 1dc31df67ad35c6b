"""What the benchmarks work on: photographs, the book's small networks with fixed weights, and how busy a device is."""

from __future__ import annotations

import time

import torch
from torch import nn

from arae_core import data
from arae_core.losses import InversionWeights
from arae_core.networks import AlexNet, Encoder, mirror
from arae_core.training import ClassifierConfig, InverterConfig, train_classifier, train_inverter
from arae_core.training.precision import mixed_precision


def photographs(count: int, device: str, split: str = "train") -> data.ImageSet:
    """Crops of 32 pixels from the embedded photographs, on the device."""
    return data.load("photos", split, image_size=32, count=count, seed=0).to(device)


def small_alexnet(device: str, width: float = 1.0) -> Encoder:
    """The book's encoder, whose width in its default profile is a half, untrained: times do not depend on the weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AlexNet(image_size=32, num_classes=10, width=width).to(device).eval()


def trained_alexnet(device: str, width: float = 1.0) -> Encoder:
    """The same after three epochs on photographs: an untrained one's loss hardly moves, and any two attacks would agree."""
    f = small_alexnet(device, width)
    train_classifier(f, photographs(6000, device), ClassifierConfig(epochs=3), seed=0)
    return f


def trained_generator(f: Encoder, layer: str, device: str) -> nn.Module:
    """A generator that inverts f after two short epochs: an untrained one draws next to the same grey from any code."""
    torch.manual_seed(0)
    generator = mirror(f, layer).to(device)
    recipe = InverterConfig(
        layer=layer, weights=InversionWeights(1.0, 0.1, 0.0, "mean"), epochs=2, batch_size=64
    )
    train_inverter(generator, photographs(2000, device), recipe, encoder=f, seed=0)
    return generator


def peak_flops(device: str, precision: str = "auto", side: int | None = None) -> float:
    """Operations a second of a large square matrix product, the best of five: what this machine can do today."""
    side = side or (8192 if device == "cuda" else 2048)
    a, b = torch.randn(side, side, device=device), torch.randn(side, side, device=device)
    best = float("inf")
    with mixed_precision(device, precision), torch.no_grad():
        for _ in range(6):  # the first one warms up
            began = time.perf_counter()
            float((a @ b)[0, 0])  # waits for the device
            best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best
