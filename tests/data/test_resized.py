"""A resident set at another size: the same images, scaled when they are wanted."""

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import ResizedSet, photos


@pytest.fixture(scope="module")
def small():
    return photos("test", count=20, image_size=16)


def test_used_like_an_image_set(small):
    large = ResizedSet(small, 40)
    x, y = large.batch([3, 4])
    assert x.shape == (2, 3, 40, 40) and 0 <= x.min() and x.max() <= 1 and y.tolist() == [3, 4]
    assert len(large) == 20 and large.classes == small.classes and torch.equal(large.labels, small.labels)
    assert len(large.only("china")) == 2 and large.only("china").image_size == 40 and len(large.take(7)) == 7
    batches = list(large.batches(8, seed=0, drop_last=True))
    assert [len(x) for x, _ in batches] == [8, 8]
    assert torch.equal(batches[0][1], next(small.batches(8, seed=0))[1]) and "16 px scaled to 40" in large.notes


def test_its_digest_is_its_own(small):
    assert len({small.digest, ResizedSet(small, 40).digest, ResizedSet(small, 41).digest}) == 3


def test_it_scales_as_pillow_does(small):
    """torchvision resizes files by Pillow's bilinear filter, which A's code calls; up to the rounding to bytes."""
    x, _ = ResizedSet(small, 40).batch([5])
    theirs = Image.fromarray(small.images[5].permute(1, 2, 0).numpy()).resize((40, 40), Image.Resampling.BILINEAR)
    ours = x[0].mul(255).permute(1, 2, 0)
    assert (ours - torch.from_numpy(np.array(theirs)).float()).abs().max() <= 1.01


def test_refused(small):
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match="positive integer"):
            ResizedSet(small, wrong)
