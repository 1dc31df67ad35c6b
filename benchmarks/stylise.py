"""Painting contents in styles: one `eigh` a style and a content, kept, against an SVD of both for every pair."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from arae_core import data
from arae_core.networks import Autoencoder
from arae_core.systems.style_transfer import StyleTransfer
from arae_core.systems.style_transfer.whitening_colouring import LEAST_VARIANCE
from benchmarks.harness import BenchRecord, Comparison, Contender, apart, measure
from benchmarks.material import trained_alexnet, trained_generator

LAYERS = ("conv5",)
SIDE = 256


def run(device: str) -> BenchRecord:
    f = trained_alexnet(device, width=0.5)
    levels = [Autoencoder(f, trained_generator(f, layer, device), layer) for layer in LAYERS]
    transfer = StyleTransfer(levels)
    names = data.photo_names()
    contents = [_picture(name, device) for name in names[:4]]
    styles = [_picture(name, device) for name in names[4:8]]

    def ours() -> Tensor:
        ready, kept = [transfer.content(x) for x in contents], [transfer.style(x) for x in styles]
        return torch.cat([transfer(c, s) for c, s in product(ready, kept)])

    def pair_by_pair() -> Tensor:
        return torch.cat([_by_svd(levels[0], c, s) for c, s in product(contents, styles)])

    return measure(
        Comparison(
            "stylise",
            "Style transfer",
            f"AlexNet at half width, {LAYERS[0]}, {len(contents)} contents x {len(styles)} styles of {SIDE} x {SIDE} "
            "pixels",
            Contender("eigh, factors kept", ours),
            [Contender("svd for every pair", pair_by_pair)],
            lambda own, theirs, _: apart(own, theirs, 1e-3, "pictures"),
            items=len(contents) * len(styles),
            item="picture",
        ),
        device,
    )


@torch.no_grad()
def _by_svd(its: Autoencoder, content: Tensor, style: Tensor) -> Tensor:
    """Whitening and colouring through singular values of the covariances, nothing kept."""
    z, z_style = its.encode(content), its.encode(style)
    own, other = (features.flatten(2)[0].double() for features in (z, z_style))
    coloured = _root(other, 0.5) @ _root(own, -0.5) @ (own - own.mean(1, keepdim=True)) + other.mean(
        1, keepdim=True
    )
    return its.decode(coloured.view(z.shape).to(z).clamp(min=0)).clamp(0, 1)


def _root(points: Tensor, power: float) -> Tensor:
    u, values, _ = torch.linalg.svd(points.cov())
    kept = values > LEAST_VARIANCE * values[0]
    return (u[:, kept] * values[kept] ** power) @ u[:, kept].T


def _picture(name: str, device: str) -> Tensor:
    picture = data.photograph(name).to(device)
    picture = data.rescaled(picture, 1.001 * SIDE / min(picture.shape[2:]))
    return picture[:, :, :SIDE, :SIDE]
