"""A folder of images with everything in it that a reader's folder may hold."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def noise(seed: int, *shape: int) -> np.ndarray:
    """Smooth enough for JPEG: a random colour gradient, uint8."""
    rng = np.random.default_rng(seed)
    return (rng.integers(40, 200, (1, 1, shape[-1])) + np.arange(shape[0])[:, None, None] % 50).astype(
        np.uint8) * np.ones(shape, np.uint8)


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory, monkeypatch):
    """No test sees the data or the store of whoever runs it."""
    monkeypatch.setenv("ARAE_STORE", str(tmp_path_factory.mktemp("store")))
    monkeypatch.delenv("ARAE_DATA", raising=False)


@pytest.fixture
def tiny_cifar(tmp_path) -> Path:
    """<root>/cifar10/<split>/<class>/<image>.jpg, 4 images of 32 px in each of 3 classes and 2 splits."""
    for split in ("train", "test"):
        for label, name in enumerate(("airplane", "bird", "cat")):
            folder = tmp_path / "cifar10" / split / name
            folder.mkdir(parents=True)
            for index in range(4):
                Image.fromarray(noise(10 * label + index, 32, 32, 3)).save(folder / f"{index:04}.jpg", quality=95)
    return tmp_path


@pytest.fixture
def odd_folder(tmp_path) -> Path:
    """<root>/{train,val}/{a,b}/…: RGB, grey, RGBA, palette, CMYK, 16-bit, 1x1, rotated; and files that are no image."""
    root = tmp_path / "odd"
    for split in ("train", "val"):
        for name in "ab":
            (root / split / name).mkdir(parents=True)
    a, b = root / "train" / "a", root / "train" / "b"
    rgb = Image.fromarray(noise(0, 40, 60, 3))
    rgb.save(a / "rgb.png")
    rgb.convert("L").save(a / "grey.jpg")
    rgb.convert("RGBA").save(a / "rgba.png")
    rgb.convert("P").save(a / "palette.png")
    rgb.convert("CMYK").save(b / "cmyk.jpg")
    Image.fromarray(np.full((40, 60), 32896, np.uint16)).save(b / "sixteen.png")    # 128 * 257
    rgb.crop((0, 0, 1, 1)).save(b / "one.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save(b / "turned.jpg", exif=exif)
    (a / "truncated.jpg").write_bytes((b / "turned.jpg").read_bytes()[:400])
    (b / "text.jpg").write_text("not an image")
    (b / "empty.png").write_bytes(b"")
    (b / "huge.ppm").write_bytes(b"P6 20000 20000 255\n")
    (b / "readme.txt").write_text("passed over")
    (b / ".hidden.jpg").write_text("passed over")
    for name in "ab":
        rgb.save(root / "val" / name / "rgb.png")
    return root
