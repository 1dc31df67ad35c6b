"""A large picture through an autoencoder: in overlapping tiles of bounded memory, against whole."""

from __future__ import annotations

from arae_core import data
from arae_core.networks import Autoencoder
from arae_core.systems.whole_pictures import AnySize
from benchmarks.harness import BenchRecord, Comparison, Contender, apart, measure
from benchmarks.material import trained_alexnet, trained_generator

LAYER = "conv5"


def run(device: str) -> BenchRecord:
    height, width = (2048, 3072) if device == "cuda" else (768, 1024)
    f = trained_alexnet(device, width=0.5)
    network = Autoencoder(f, trained_generator(f, LAYER, device), LAYER)
    picture = data.photograph("astronaut").to(device).repeat(1, 1, 8, 8)[:, :, :height, :width].contiguous()
    tile = height * width // 8
    tiled, whole = AnySize(network, pixels=tile), AnySize(network, pixels=height * width)
    return measure(
        Comparison(
            "tiles",
            "A large picture",
            f"AlexNet at half width, {LAYER}, {height} x {width} pixels, tiles of at most {tile:,} pixels "
            f"that overlap by {tiled.reach} on each side",
            Contender("in tiles", lambda: tiled(picture)),
            [Contender("whole", lambda: whole(picture))],
            lambda own, theirs, _: apart(own, theirs, 1e-3, "pictures"),
            items=1,
            item="picture",
        ),
        device,
    )
