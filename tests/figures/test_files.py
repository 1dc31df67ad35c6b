import io
import os
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.figures import image_grid, save_picture, to_png


def test_an_image_keeps_its_pixels_enlarged_and_what_is_none_is_refused(tmp_path, images):
    pixels = np.asarray(Image.open(io.BytesIO(to_png(images[0]))))
    assert pixels.shape == (384, 384, 3)
    expected = (images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(pixels[6::12, 6::12], expected)
    pytest.raises(ValueError, save_picture, images[0], tmp_path / "a.gif").match("png or .webp")
    pytest.raises(ValueError, to_png, images).match("3, H, W")
    assert not list(tmp_path.iterdir())


def test_too_large_a_figure_becomes_coarser_until_it_fits(images):
    noise = torch.rand(2, 3, 300, 300, generator=torch.Generator().manual_seed(0))
    figure = image_grid([noise])
    full, small = to_png(figure, max_kb=10_000), to_png(figure, max_kb=120)
    assert len(small) <= 120 * 1024 < len(full)
    assert Image.open(io.BytesIO(small)).width <= Image.open(io.BytesIO(full)).width
    pytest.raises(ValueError, to_png, figure, max_kb=5).match("more than 5")


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_saved_small_and_whole(tmp_path, images, monkeypatch, ending):
    path = save_picture(image_grid([images]), tmp_path / "new" / f"a.{ending}")
    assert path.stat().st_size <= 300 * 1024
    before = path.read_bytes()
    assert Image.open(path).format == ending.upper()
    monkeypatch.setattr(os, "replace", Mock(side_effect=OSError(28, "No space left on device")))
    pytest.raises(OSError, save_picture, images[0], path).match("No space left")
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1
