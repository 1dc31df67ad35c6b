"""Searching for codes: a batch at once, against one image at a time, as A's public code does."""

from __future__ import annotations

import copy

import torch

from arae_core import losses, metrics
from arae_core.systems.anomaly import SearchConfig, latent_search, one_vs_all, white_noise
from benchmarks.harness import BenchRecord, Comparison, Contender, Unequal, apart, measure
from benchmarks.material import photographs, trained_alexnet, trained_generator

LAYER = "conv5"
WEIGHTS = losses.InversionWeights(1.0, 0.1, 0.0, "mean")


def run(device: str) -> BenchRecord:
    images, steps = (256, 50) if device == "cuda" else (48, 20)
    task = one_vs_all(photographs(400, device, split="test"), "chelsea", anomalies=images // 2, seed=0)
    kept = [*range(images // 2), *range(len(task) - images // 2, len(task))]
    x, anomalous = task.images(kept), task.anomalous[kept]
    f = trained_alexnet(device, width=0.5)
    g = trained_generator(f, LAYER, device)
    start = white_noise(range(len(kept)), f.feature_shape(LAYER), seed=0).to(x)
    with torch.no_grad():
        scale = float(f.features(x, LAYER).square().mean())

    def search(f, g, x, start, steps):
        config = SearchConfig(steps=steps, lr=1.0)
        return latent_search(g, x, start, WEIGHTS, config, encoder=f, layer=LAYER, scale=scale).losses

    def one_by_one(f, g, x, start, steps):
        return torch.cat([search(f, g, x[i : i + 1], start[i : i + 1], steps) for i in range(len(x))])

    def check(own: torch.Tensor, theirs: torch.Tensor, _: str) -> str:
        areas = [metrics.auroc(scores, anomalous) for scores in (own, theirs)]
        if not abs(areas[0] - areas[1]) <= 0.005:
            raise Unequal(f"AUROC {areas[0]:.4f} and {areas[1]:.4f}")
        exact = copy.deepcopy(f).double(), copy.deepcopy(g).double(), x[:4].double(), start[:4].double(), 10
        return (
            apart(search(*exact), one_by_one(*exact), 1e-8, "float64, ten steps, scores")
            + f"; float32: AUROC {areas[0]:.4f} and {areas[1]:.4f}"
        )

    return measure(
        Comparison(
            "anomaly",
            "Latent search",
            f"AlexNet at 32 pixels and half width, {LAYER}, {len(kept)} images, {steps} steps",
            Contender("in a batch", lambda: search(f, g, x, start, steps)),
            [Contender("one image at a time", lambda: one_by_one(f, g, x, start, steps))],
            check,
            items=len(kept),
            item="image",
        ),
        device,
    )
