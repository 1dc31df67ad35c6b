"""Single pictures of every kind, and files that are none."""

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import UnreadableImageError, picture


def test_kinds_become_rgb(odd_folder):
    rgb = picture(odd_folder / "train/a/rgb.png")
    assert rgb.shape == (1, 3, 40, 60) and rgb.dtype == torch.float32
    assert torch.equal(rgb[0], torch.from_numpy(np.array(Image.open(odd_folder / "train/a/rgb.png")))
                       .permute(2, 0, 1) / 255)
    for file in ("a/grey.jpg", "a/rgba.png", "a/palette.png", "b/cmyk.jpg"):
        other = picture(odd_folder / "train" / file)
        assert other.shape == rgb.shape and 0 <= other.min() <= other.max() <= 1
        assert (other.mean() - rgb.mean()).abs() < 0.06, file
    assert torch.equal(picture(odd_folder / "train/a/rgba.png"), rgb)
    assert torch.equal(picture(odd_folder / "train/b/sixteen.png"), torch.full((1, 3, 40, 60), 128 / 255))
    assert picture(odd_folder / "train/b/one.png").shape == (1, 3, 1, 1)


def test_a_turned_picture_stands_upright(odd_folder):
    turned = picture(odd_folder / "train/b/turned.jpg")
    assert turned.shape == (1, 3, 60, 40)
    plain = picture(odd_folder / "train/a/rgb.png")
    assert (turned - plain.rot90(-1, (2, 3))).abs().mean() < 0.03


def test_transparent_is_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (picture(tmp_path / "clear.png") == 1).all()


def test_scaled_to_a_longest_side(odd_folder):
    assert picture(odd_folder / "train/a/rgb.png", max_side=30).shape == (1, 3, 20, 30)
    assert picture(odd_folder / "train/a/rgb.png", max_side=1).shape == (1, 3, 1, 1)
    assert picture(odd_folder / "train/a/rgb.png", max_side=100).shape == (1, 3, 40, 60)
    with pytest.raises(ValueError, match="max_side"):
        picture(odd_folder / "train/a/rgb.png", max_side=0)


@pytest.mark.parametrize("file, cause", [
    ("a/truncated.jpg", "trunc|broken|cannot identify"), ("b/text.jpg", "cannot identify"),
    ("b/empty.png", "cannot identify"), ("b/huge.ppm", "pixels"),
])
def test_what_is_no_picture_is_named_with_the_cause(odd_folder, file, cause):
    with pytest.raises(UnreadableImageError, match=cause) as caught:
        picture(odd_folder / "train" / file)
    assert str(odd_folder / "train" / file) in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.png"):
        picture(tmp_path / "none.png")
