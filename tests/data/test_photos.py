"""The embedded photographs and their crops: real, balanced, repeatable, and no pixel in both splits."""

import socket
from unittest.mock import Mock, patch

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import photo_crops, photo_names, photograph, photos
from arae_core.data.photos import LEAST_CONTRAST, _crops, _open, runs


def test_ten_whole_photographs():
    assert len(photo_names()) == 10
    for name in photo_names():
        image = photograph(name)
        assert image.shape[:2] == (1, 3) and min(image.shape[2:]) >= 300 and image.dtype == torch.float32
        assert 0 <= image.min() < 0.2 and 0.8 < image.max() <= 1
    pytest.raises(ValueError, photograph, "lena").match("astronaut")


@pytest.mark.parametrize("image_size", [32, 64])
def test_no_pixel_is_in_both_splits(image_size):
    for name in photo_names():
        height, width = photograph(name).shape[2:]
        seen = {}
        for split in ("train", "test"):
            seen[split] = np.zeros((height, width), dtype=bool)
            for left, top, right, bottom in _crops(name, split, 60, image_size, 0)[1]:
                assert 0 <= left < right <= width and 0 <= top < bottom <= height and right - left == bottom - top
                assert any(first <= left and right <= end for first, end in runs(width, split))
                seen[split][top:bottom, left:right] = True
        assert not (seen["train"] & seen["test"]).any()
        assert seen["train"].mean() > seen["test"].mean() > 0.05


@pytest.mark.parametrize("width", [451, 512, 640, 741, 1411])
def test_stripes_share_the_width_out(width):
    columns = sorted(runs(width, "train") + runs(width, "test"))
    assert [0, *(end for _, end in columns)] == [*(first for first, _ in columns), width]
    assert 0.24 < sum(end - first for first, end in runs(width, "test")) / width < 0.26


def test_an_image_is_its_box_scaled():
    data = photos("test", count=40, image_size=32)
    name = "rocket"
    boxes = _crops(name, "test", 4, 32, 0)[1]
    for image, (left, top, right, bottom) in zip(data.only(name).images, boxes, strict=True):
        box = photograph(name)[:, :, top:bottom, left:right]
        scaled = torch.nn.functional.interpolate(box, (32, 32), mode="bicubic", antialias=True)
        assert (scaled.clamp(0, 1) - image / 255).abs().mean() < 0.01
    assert data.labels[photo_names().index(name)] == photo_names().index(name)


def test_balanced_and_of_the_asked_form():
    data = photos("train", count=103, image_size=24)
    assert data.images.shape == (103, 3, 24, 24) and data.labels.bincount().sort().values.tolist() == [10] * 7 + [11] * 3
    assert data.classes == photo_names() and data.name == "photos"
    assert len(photos("test", count=3)) == 3
    crops = photo_crops(["chelsea", "rocket"], 5, image_size=24)
    assert crops.images.shape == (5, 3, 24, 24) and crops.labels.tolist() == [0, 1, 0, 1, 0]
    assert crops.classes == ("chelsea", "rocket")


@pytest.mark.parametrize("cut, others", [
    (lambda count, **changed: photos(count=count, image_size=16, **{"split": "train", "seed": 3} | changed),
     ({"seed": 4}, {"split": "test"})),
    (lambda count, **changed: photo_crops(["coffee"], count, **{"image_size": 32, "seed": 1} | changed),
     ({"seed": 2}, {"recoloured": 0.0})),
])
def test_the_same_arguments_give_the_same_bytes(cut, others):
    data = cut(50)
    assert data.digest == cut(50).digest and torch.equal(data.images[:20], cut(20).images)
    assert len({data.digest, *(cut(50, **changed).digest for changed in others)}) == 3


@pytest.mark.parametrize("split", ["train", "test"])
def test_nothing_is_fetched_and_no_crop_is_near_constant(monkeypatch, split):
    monkeypatch.setattr(socket, "socket", Mock(side_effect=AssertionError("a photograph opens a connection")))
    _open.cache_clear()
    images = photos(split, count=400).images.double()
    assert images.std(dim=(2, 3), correction=0).amax(1).min() >= LEAST_CONTRAST
    assert len(images.flatten(1).unique(dim=0)) > 390


def test_crops_come_from_the_training_stripes():
    """A picture whose test stripes are white and whose others are black gives black crops only."""
    painted = np.zeros((300, 400, 3), dtype=np.uint8)
    for first, end in runs(400, "test"):
        painted[:, first:end] = 255
    with patch("arae_core.data.photos._open", return_value=Image.fromarray(painted)):
        assert photo_crops(["chelsea"], 60, image_size=32, recoloured=0.0).images.max() == 0


def test_some_are_native_and_some_scaled_down():
    whole = photograph("coffee")[0].mul(255).round().byte().numpy()
    crops = photo_crops(["coffee"], 200, image_size=32, recoloured=0.0).images.float()
    fine = (crops[..., 1:] - crops[..., :-1]).abs().mean(dim=(1, 2, 3))
    native = np.abs(np.diff(whole.astype(float), axis=-1)).mean()
    assert fine.mean() > native  # scaled down, a pixel's neighbour differs more


def test_recoloured_crops_keep_the_order_of_each_channels_values():
    plain = photo_crops(["chelsea"], 40, image_size=32, recoloured=0.0).images
    varied = photo_crops(["chelsea"], 40, image_size=32, recoloured=1)
    assert varied.notes == "100% recoloured"
    assert varied.images.float().mean((0, 2, 3)).std() < plain.float().mean((0, 2, 3)).std()  # no cast is left
    assert varied.images.float().mean((2, 3)).std(0).min() > plain.float().mean((2, 3)).std(0).max()


@pytest.mark.parametrize("names, count, more, message", [
    (["lena"], 3, {}, "lena"), ([], 3, {}, "named"), (["chelsea"], 0, {}, "count"), (["chelsea"], 2.5, {}, "count"),
    *[(["chelsea"], 2, {"image_size": size}, "image_size") for size in (4, 113, "32", 32.0)],
    *[(["chelsea"], 2, {"recoloured": share}, "recoloured") for share in (-0.1, 1.5, float("nan"), True)],
])
def test_bad_arguments_are_refused(names, count, more, message):
    pytest.raises(ValueError, photo_crops, names, count, **more).match(message)
    for name, values in {"split": ["val"], "count": [0, 2.5, True], "image_size": [0, 1000, "32"]}.items():
        for value in values:
            pytest.raises(ValueError, photos, **{name: value}).match(name)
