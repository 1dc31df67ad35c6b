"""Reading an ImageNet-like folder at 224 pixels with A's augmentation: JPEGs decoded each time, against shards.

The pictures are made here from the embedded photographs, cut to 300 to 500 pixels with grain on them, and saved as JPEG
files, since none that large come with the book. With them goes what one step of training needs: a loop slower than the
loader does not wait for it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from arae_core import data
from arae_core.data import shard_set
from arae_core.data.sharding import make_shards
from benchmarks.harness import BenchRecord, Comparison, Contender, Unequal, apart, measure

PICTURES, SIZE = 240, 224


def run(device: str) -> BenchRecord:
    workers = min(8, (os.cpu_count() or 2) // 2)
    with tempfile.TemporaryDirectory() as folder:
        _make_pictures(Path(folder) / "jpeg")
        make_shards(Path(folder) / "jpeg", image_size=SIZE, out=Path(folder) / "shards")
        files = data.image_folder(Path(folder) / "jpeg", "train", image_size=SIZE, workers=workers)
        shards = shard_set(Path(folder) / "shards", "train", image_size=SIZE, workers=workers)

        def one_pass(images: object, augment: str = "paper") -> torch.Tensor:
            """(label, mean) of every image, in the order in which they came."""
            seen = [(x.mean(dim=(1, 2, 3)), y) for x, y in images.to(device).batches(48, seed=0, augment=augment)]
            return torch.cat([torch.stack([y.to(means), means], 1) for means, y in seen])

        def check(own: torch.Tensor, theirs: torch.Tensor, _: str) -> str:
            """Random crops are others, since the sides are; so the middle of every picture is compared as well."""
            if not torch.equal(own[:, 0], theirs[:, 0]):
                raise Unequal("the pictures come in different orders")
            middles = [one_pass(images, "center")[:, 1] for images in (shards, files)]
            return "same order; " + apart(*middles, 0.02, "mean of a picture's middle")

        return measure(Comparison(
            "loader", "Reading pictures at 224 pixels", f"{PICTURES} pictures, crops and colours as A's, {workers} "
            "worker" + ("s" if workers > 1 else ""), Contender("shards", lambda: one_pass(shards)),
            [Contender("files decoded", lambda: one_pass(files))], check, items=PICTURES, item="image",
        ), device)


def _make_pictures(folder: Path) -> None:
    random = np.random.default_rng(0)
    names = data.photo_names()
    whole = {name: (255 * data.photograph(name)[0].permute(1, 2, 0).numpy()) for name in names}
    for index in range(PICTURES):
        name = names[index % len(names)]
        height, width = (min(int(side), limit) for side, limit in zip(random.integers(300, 501, 2), whole[name].shape))
        top, left = (int(random.integers(0, full - side + 1)) for full, side in zip(whole[name].shape, (height, width)))
        picture = whole[name][top : top + height, left : left + width] + random.normal(0, 7, (height, width, 1))
        path = folder / "train" / name / f"{index:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=95)
