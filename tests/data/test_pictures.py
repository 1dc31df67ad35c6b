"""Single pictures of every kind, files that are none, plain folders of pictures, and scaling."""

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import MissingDataError, UnreadableImageError, photograph
from arae_core.data.pictures import picture, picture_files, rescaled


def test_kinds_become_rgb(odd_folder):
    rgb = picture(odd_folder / "train/a/rgb.png")
    assert rgb.shape == (1, 3, 40, 60) and rgb.dtype == torch.float32
    assert torch.equal(rgb[0], torch.from_numpy(np.array(Image.open(odd_folder / "train/a/rgb.png"))).permute(2, 0, 1) / 255)
    for file in ("a/grey.jpg", "a/rgba.png", "a/palette.png", "b/cmyk.jpg"):
        other = picture(odd_folder / "train" / file)
        assert other.shape == rgb.shape and 0 <= other.min() <= other.max() <= 1
        assert (other.mean() - rgb.mean()).abs() < 0.06, file
    assert torch.equal(picture(odd_folder / "train/a/rgba.png"), rgb)
    assert torch.equal(picture(odd_folder / "train/b/sixteen.png"), torch.full((1, 3, 40, 60), 128 / 255))
    assert picture(odd_folder / "train/b/one.png").shape == (1, 3, 1, 1)
    turned = picture(odd_folder / "train/b/turned.jpg")  # stands upright
    assert turned.shape == (1, 3, 60, 40) and (turned - rgb.rot90(-1, (2, 3))).abs().mean() < 0.03


def test_transparent_is_white_and_a_tiff_of_32_bit_integers_has_no_known_range(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (picture(tmp_path / "clear.png") == 1).all()
    Image.fromarray(np.tile(np.arange(256, dtype=np.int32), (32, 1))).save(tmp_path / "map.tif")
    pytest.raises(UnreadableImageError, picture, tmp_path / "map.tif").match("map.tif.*unknown range")


def test_scaled_to_a_longest_side(odd_folder):
    for side, size in ((30, (20, 30)), (1, (1, 1)), (100, (40, 60))):
        assert picture(odd_folder / "train/a/rgb.png", max_side=side).shape == (1, 3, *size)
    pytest.raises(ValueError, picture, odd_folder / "train/a/rgb.png", max_side=0).match("max_side")


@pytest.mark.parametrize("file, cause", [("a/truncated.jpg", "trunc|broken|cannot identify"), ("b/text.jpg", "cannot identify"),
    ("b/empty.png", "cannot identify"), ("b/huge.ppm", "400000000 pixels"),
])
def test_what_is_no_picture_is_named_with_the_cause(odd_folder, file, cause):
    caught = pytest.raises(UnreadableImageError, picture, odd_folder / "train" / file)
    assert caught.match(cause) and str(odd_folder / "train" / file) in str(caught.value)
    pytest.raises(FileNotFoundError, picture, odd_folder / "none.png").match("none.png")


@pytest.fixture
def kodak(tmp_path):
    folder = tmp_path / "denoise" / "Kodak24"
    (folder / "inside").mkdir(parents=True)
    for name, size in (("b.png", (30, 20)), ("a.tif", (20, 30)), ("inside/c.png", (9, 9))):
        Image.new("RGB", size, "olive").save(folder / name)
    (folder / "readme.txt").write_text("passed over")
    (folder / ".hidden.png").write_text("passed over")
    return folder


def test_by_path_or_under_the_data_root_or_missing(kodak, tmp_path, monkeypatch):
    assert [file.name for file in picture_files(kodak)] == ["a.tif", "b.png"]
    assert picture_files("denoise/Kodak24", root=tmp_path) == picture_files(kodak)
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    assert picture_files("denoise/Kodak24") == picture_files(kodak)
    assert [picture(file).shape for file in picture_files(kodak)] == [(1, 3, 30, 20), (1, 3, 20, 30)]
    with pytest.raises(MissingDataError, match="div2k is not here(?s:.*)folder with pictures"):
        picture_files("div2k", root=tmp_path)
    (tmp_path / "empty").mkdir()
    pytest.raises(MissingDataError, picture_files, tmp_path / "empty").match("is not here")


def test_pictures_of_the_folders_inside_count_where_it_has_none_itself(kodak, tmp_path):
    (tmp_path / "denoise/A").mkdir()
    Image.new("RGB", (5, 5)).save(tmp_path / "denoise/A/z.png")
    names = ["A/z.png", "Kodak24/a.tif", "Kodak24/b.png", "Kodak24/inside/c.png"]
    assert [file.relative_to(tmp_path / "denoise").as_posix() for file in picture_files(tmp_path / "denoise")] == names


def test_scaled_sizes_and_bad_scaling():
    x = torch.rand(2, 3, 32, 20)
    for factor, size in ((3, (96, 60)), (0.3, (10, 6)), (0.001, (1, 1))):
        assert rescaled(x, factor).shape == (2, 3, *size)
    torch.testing.assert_close(rescaled(x, 1), x, atol=1e-6, rtol=0)
    for factor in (0, -1, float("nan"), float("inf")):
        pytest.raises(ValueError, rescaled, x, factor).match("positive")
    pytest.raises(ValueError, rescaled, x[0], 2).match("batch")
    pytest.raises(ValueError, rescaled, x, 500).match("enlarged by 500 are more than 80,000,000")


def test_smooth_flat_and_in_range_it_stays_and_reducing_averages():
    x = rescaled(photograph("coffee"), 0.25)
    assert (rescaled(rescaled(x, 4), 0.25) - x).abs().mean() < 0.01
    edge = torch.zeros(1, 3, 16, 16)
    edge[..., 8:] = 1
    assert rescaled(edge, 5).min() == 0 and rescaled(edge, 5).max() == 1  # a cubic alone would overshoot
    torch.testing.assert_close(rescaled(torch.full((1, 3, 9, 9), 0.4), 7), torch.full((1, 3, 63, 63), 0.4))
    stripes = (torch.arange(64) % 2).float().expand(1, 3, 64, 64)
    assert (rescaled(stripes, 0.125) - 0.5).abs().max() < 0.05  # points picked out would be 0 or 1
