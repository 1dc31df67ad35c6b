"""Small images from folders: odd ones converted, bad ones named, the cache never believed blindly."""

import os
from pathlib import Path

import pytest
import torch

import arae_core.data.resident as resident
from arae_core.data import ImageSet, cifar10, image_folder


def cached_file() -> Path:
    [file] = (Path(os.environ["ARAE_STORE"]) / "decoded").iterdir()
    return file


def test_odd_images_are_converted_and_bad_ones_named(odd_folder):
    with pytest.warns(UserWarning, match="4 unreadable"):
        data = image_folder(odd_folder, "train", image_size=32)
    assert isinstance(data, ImageSet) and data.images.shape == (8, 3, 32, 32)
    assert data.labels.tolist() == [0] * 4 + [1] * 4 and data.classes == ("a", "b")
    for name in ("truncated.jpg", "text.jpg", "empty.png", "huge.ppm"):
        assert sum(name in reason for reason in data.skipped) == 1
    with pytest.warns(UserWarning, match="4 unreadable"):    # from the cache, too
        again = image_folder(odd_folder, "train", image_size=32)
    assert again.skipped == data.skipped and again.digest == data.digest


def test_the_second_load_reads_the_cache(tiny_cifar, monkeypatch):
    first = cifar10("train", root=tiny_cifar)

    def refuse(*_):
        raise AssertionError("decoded again")
    monkeypatch.setattr(resident, "_decoded", refuse)
    again = cifar10("train", root=tiny_cifar)
    assert torch.equal(first.images, again.images) and torch.equal(first.labels, again.labels)
    assert again.classes == first.classes and again.notes == first.notes
    assert not list(cached_file().parent.glob("*.part"))


@pytest.mark.parametrize("harm", ["truncate", "flip", "empty"])
def test_a_damaged_cache_is_made_again(tiny_cifar, harm):
    first = cifar10("train", root=tiny_cifar)
    content = bytearray(cached_file().read_bytes())
    if harm == "flip":
        content[-1000] ^= 4
    cached_file().write_bytes({"truncate": content[:len(content) // 2], "empty": b"", "flip": content}[harm])
    with pytest.warns(UserWarning, match="damaged"):
        assert cifar10("train", root=tiny_cifar).digest == first.digest
    assert cifar10("train", root=tiny_cifar).digest == first.digest    # and without a warning


def test_a_changed_file_is_read_again(tiny_cifar):
    first = cifar10("train", root=tiny_cifar)
    folder = tiny_cifar / "cifar10" / "train"
    (folder / "cat" / "0000.jpg").write_bytes((folder / "bird" / "0000.jpg").read_bytes())
    assert cifar10("train", root=tiny_cifar).digest != first.digest


def test_a_store_that_cannot_be_written_costs_only_time(tiny_cifar, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "file" / "store"))
    with pytest.warns(UserWarning, match="not kept"):
        assert len(cifar10("train", root=tiny_cifar)) == 12


def test_no_readable_image_at_all(tmp_path):
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "x.jpg").write_text("no")
    with pytest.raises(ValueError, match="not one image.*x.jpg"):
        image_folder(tmp_path, "train", image_size=32)
