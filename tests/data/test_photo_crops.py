"""Crops at many scales: from the training stripes only, repeatable, recoloured without losing the picture."""

import numpy as np
import pytest
import torch

from arae_core.data import photo_crops, photograph
from arae_core.data.photos import runs


def test_form_and_order():
    crops = photo_crops(["chelsea", "rocket"], 5, image_size=24)
    assert crops.images.shape == (5, 3, 24, 24) and crops.labels.tolist() == [0, 1, 0, 1, 0]
    assert crops.classes == ("chelsea", "rocket")


def test_the_same_arguments_give_the_same_bytes():
    first = photo_crops(["coffee"], 6, image_size=32, seed=1)
    assert first.digest == photo_crops(["coffee"], 6, image_size=32, seed=1).digest
    assert torch.equal(first.images[:3], photo_crops(["coffee"], 3, image_size=32, seed=1).images)
    others = [photo_crops(["coffee"], 6, image_size=32, seed=2), photo_crops(["coffee"], 6, seed=1, recoloured=0.0)]
    assert first.digest not in {its.digest for its in others}


def test_crops_come_from_the_training_stripes():
    """A picture whose test stripes are white and whose others are black gives black crops only."""
    from unittest.mock import patch

    from PIL import Image

    painted = np.zeros((300, 400, 3), dtype=np.uint8)
    for first, end in runs(400, "test"):
        painted[:, first:end] = 255
    with patch("arae_core.data.photo_crops._open", return_value=Image.fromarray(painted)):
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


@pytest.mark.parametrize("arguments, message", [
    ((["lena"], 3), "lena"), (([], 3), "named"), ((["chelsea"], 0), "count"), ((["chelsea"], 2.5), "count"),
])
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        photo_crops(*arguments)


@pytest.mark.parametrize("size", [4, 113, "32", 32.0])
def test_bad_sizes_are_refused(size):
    with pytest.raises(ValueError, match="image_size"):
        photo_crops(["chelsea"], 2, image_size=size)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan"), True])
def test_bad_shares_are_refused(share):
    with pytest.raises(ValueError, match="recoloured"):
        photo_crops(["chelsea"], 2, recoloured=share)
