import io
import os

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.figures import image_grid, save_picture, to_png


def opened(png):
    return Image.open(io.BytesIO(png))


def test_an_image_keeps_its_pixels_enlarged(images):
    pixels = np.asarray(opened(to_png(images[0])))
    assert pixels.shape == (384, 384, 3)
    expected = (images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(pixels[6::12, 6::12], expected)


def test_too_large_a_figure_becomes_coarser_until_it_fits(images):
    noise = torch.rand(2, 3, 300, 300, generator=torch.Generator().manual_seed(0))
    figure = image_grid([noise])
    full, small = to_png(figure, max_kb=10_000), to_png(figure, max_kb=120)
    assert len(small) <= 120 * 1024 < len(full)
    assert opened(small).width <= opened(full).width
    with pytest.raises(ValueError, match="more than 5"):
        to_png(figure, max_kb=5)


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_saved_small_and_whole(tmp_path, images, monkeypatch, ending):
    path = save_picture(image_grid([images]), tmp_path / "new" / f"a.{ending}")
    assert path.stat().st_size <= 300 * 1024
    before = path.read_bytes()
    assert Image.open(path).format == ending.upper()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save_picture(images[0], path)
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


def test_what_is_no_picture(tmp_path, images):
    with pytest.raises(ValueError, match="png or .webp"):
        save_picture(images[0], tmp_path / "a.gif")
    with pytest.raises(ValueError, match="3, H, W"):
        to_png(images)
    assert not list(tmp_path.iterdir())
