"""CIFAR-10 from a folder of images and from torchvision's files, and what is said when it is not there."""

import hashlib
import pickle
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from arae_core.data import MissingDataError, cifar10


def test_a_folder_of_jpeg_says_so_and_is_found_by_the_environment_variable(tiny_cifar, monkeypatch):
    data = cifar10("train", root=tiny_cifar)
    assert data.images.shape == (12, 3, 32, 32) and data.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert data.classes == ("airplane", "bird", "cat") and data.notes == "JPEG copies" and data.name == "cifar10"
    monkeypatch.setenv("ARAE_DATA", str(tiny_cifar))
    assert len(cifar10("test")) == 12


def test_torchvisions_files_after_their_md5(tmp_path, monkeypatch):
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3072), dtype=np.uint8)

    def write(file: str, content: dict) -> str:
        (folder / file).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder / file).read_bytes()).hexdigest()

    train = write("a", {"data": pixels, "labels": [1, 0, 1, 0, 1]})
    test = write("b", {"data": pixels[:2], "labels": [0, 1]})
    names = write("meta", {"label_names": ["airplane", "automobile"]})
    for name, file in (("train_list", ["a", train]), ("test_list", ["b", test])):
        monkeypatch.setattr(CIFAR10, name, [file])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "meta", "key": "label_names", "md5": names})
    data = cifar10("train", root=tmp_path)
    assert torch.equal(data.images, torch.from_numpy(pixels).reshape(5, 3, 32, 32)) and data.notes == ""
    assert data.labels.tolist() == [1, 0, 1, 0, 1] and len(cifar10("test", root=tmp_path)) == 2

    class Harm:
        def __reduce__(self):
            return (tmp_path.joinpath("harmed").touch, ())
    write("b", {"data": Harm()})
    pytest.raises(MissingDataError, cifar10, "train", root=tmp_path).match("MD5")
    assert not (tmp_path / "harmed").exists()


def test_refused_and_missing_names_every_place_and_both_ways(tmp_path, monkeypatch):
    pytest.raises(ValueError, cifar10, "val", root=tmp_path).match("split")
    text = str(pytest.raises(FileNotFoundError, cifar10, "train", root=tmp_path / "nothing").value)
    for part in ("cifar-10-batches-py", "cifar-10-python.tar.gz", str(tmp_path / "nothing" / "cifar10"),
                 "Online:", "Offline:", "ARAE_DATA"):
        assert part in text
    monkeypatch.setattr(CIFAR10, "download", Mock(side_effect=OSError("network is unreachable")))
    with pytest.raises(MissingDataError, match="network is unreachable.*Offline"):
        cifar10("train", root=tmp_path, download=True)
    (tmp_path / CIFAR10.filename).write_bytes(b"half")
    pytest.raises(MissingDataError, cifar10, "train", root=tmp_path).match("truncated or damaged.*Offline")
