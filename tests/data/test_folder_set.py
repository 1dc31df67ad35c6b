"""Folders decoded as a pass goes on: the same with any number of workers, and never stopped by a bad file."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import FolderSet, image_folder, lighting
from arae_core.data.pictures import to_uint8
from tests.tiny import gather


@pytest.fixture
def data(odd_folder) -> FolderSet:
    found = image_folder(odd_folder, "train", image_size=96)
    found.workers = 0
    assert isinstance(found, FolderSet)
    return found


@pytest.mark.parametrize("augment", ["none", "center", "paper"])
def test_bad_files_are_left_out_and_named(data, augment):
    assert len(data) == 12 and data.skipped == ()
    x, y = gather(data.batches(5, seed=0, augment=augment))
    assert x.shape == (8, 3, 96, 96) and x.dtype == torch.float32 and 0 <= x.min() <= x.max() <= 1
    assert y.bincount().tolist() == [4, 4]
    assert len(data.skipped) == 4 and "empty.png" in data.skipped[1]
    list(data.batches(5, seed=1, augment=augment))
    assert len(data.skipped) == 4


def test_workers_change_nothing(data, odd_folder):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    x, y = gather(data.batches(4, seed=3, augment="paper"))
    shared = image_folder(odd_folder, "train", image_size=96)
    shared.workers = 2
    x2, y2 = gather(shared.batches(4, seed=3, augment="paper"))
    assert torch.equal(x, x2) and torch.equal(y, y2) and shared.skipped == data.skipped
    assert torch.equal(state, torch.get_rng_state())    # nobody else's random numbers are touched
    assert not torch.equal(x, gather(data.batches(4, seed=4, augment="paper"))[0])


def test_in_order_and_whole(data):
    x, y = gather(data.batches(3))
    assert y.tolist() == [0] * 4 + [1] * 4
    readable = [name for name in data.files if not any(name in reason for reason in data.skipped)]
    place = readable.index("a/rgb.png")
    scaled = to_uint8(Image.open(data.folder / "a/rgb.png").resize((96, 96), Image.Resampling.BILINEAR))
    assert torch.equal(x[place], scaled / 255)
    assert torch.equal(data.batch([list(data.files).index("a/rgb.png")])[0][0], x[place])


def test_center_is_the_middle(tmp_path):
    (tmp_path / "train/a").mkdir(parents=True)
    image = Image.new("RGB", (256, 400), "white")
    image.paste("black", (16, 88, 240, 312))    # the middle 224 x 224
    image.save(tmp_path / "train/a/x.png")
    Image.new("RGB", (20_000, 1), "black").save(tmp_path / "train/a/y.png")
    data = image_folder(tmp_path, "train", image_size=224)
    assert (next(data.batches(2, augment="center"))[0] == 0).all()
    assert next(data.batches(2))[0].max() == 1


def test_used_like_an_image_set_with_bad_passes_refused_at_the_call(data):
    assert data.take(4).labels.bincount().tolist() == [2, 2] and data.only("b").labels.unique().tolist() == [1]
    assert len({data.digest, data.take(4).digest, data.take(4, seed=1).digest, data.only("b").digest}) == 4
    assert data.to("cpu").device == torch.device("cpu")
    pytest.raises(ValueError, data.only, "c").match("no class")
    assert [len(y) for _, y in data.only("a").batches(2, drop_last=True)] == [2, 2]
    for call in ({"batch_size": 0}, {"augment": "crop+flip", "seed": 0}, {"augment": "paper"}):
        pytest.raises(ValueError, data.batches, **({"batch_size": 4} | call))


def test_the_digest_is_that_of_the_files(tmp_path):
    """Pictures replaced by others of the same number of bytes and the same times are other data."""
    def written(seed):
        rng = np.random.default_rng(seed)
        for name in ("a 1", "b"):
            (tmp_path / "train" / name).mkdir(parents=True, exist_ok=True)
            file = tmp_path / "train" / name / "0 x.bmp"
            Image.fromarray(rng.integers(0, 255, (96, 96, 3), dtype=np.uint8)).save(file)
            os.utime(file, ns=(0, 0))
        return image_folder(tmp_path, "train", image_size=96)
    first = written(0)
    assert first.digest == first.to("cpu").digest == written(0).digest != written(1).digest
    small = image_folder(tmp_path, "train", image_size=32)
    written(2)
    assert not torch.equal(small.images, image_folder(tmp_path, "train", image_size=32).images)  # not the kept ones


def test_a_caller_in_float64_still_gets_float32(data):
    torch.set_default_dtype(torch.float64)
    try:
        x = gather(data.batches(4, seed=0, augment="paper"))[0]
    finally:
        torch.set_default_dtype(torch.float32)
    assert x.shape == (8, 3, 96, 96) and x.dtype == torch.float32


def test_lighting_shifts_a_whole_image_by_one_colour():
    x = torch.full((2, 3, 4, 4), 0.5)
    alpha = torch.tensor([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
    lit = lighting(x, alpha)
    assert torch.equal(lit[0], x[0])
    expected = 0.5 + 0.1 * 0.2175 * torch.tensor([-0.5675, -0.5808, -0.5836])
    torch.testing.assert_close(lit[1], expected[:, None, None].expand(3, 4, 4))
    assert lighting(torch.ones(1, 3, 2, 2), torch.full((1, 3), -50.0)).max() <= 1
