"""Data sets by name."""

import pytest

from arae_core.data import ImageSet, MissingDataError, available, data_root, load, require_dataset


def test_each_name(tiny_cifar, odd_folder):
    assert len(load("photos", "train", image_size=16, count=20)) == 20
    data = load("cifar10", "train", image_size=32, count=6, root=tiny_cifar)
    assert isinstance(data, ImageSet) and data.labels.bincount().tolist() == [2, 2, 2]
    assert load("cifar10", "test", image_size=64, root=tiny_cifar).batch([0])[0].shape == (1, 3, 64, 64)
    assert len(load(str(odd_folder), "test", image_size=24)) == 2
    assert load("cifar10", "train", image_size=32, count=6, seed=1, root=tiny_cifar).digest != data.digest


def test_refused(tiny_cifar):
    pytest.raises(ValueError, load, "photo", "train", image_size=32).match("did you mean photos")
    with pytest.raises(FileNotFoundError, match="image-net.org"):
        load("imagenet", "train", image_size=224, root=tiny_cifar)


def test_what_is_here_is_known_before_it_is_read(tiny_cifar, odd_folder, tmp_path, monkeypatch):
    assert require_dataset("photos") is None and require_dataset("cifar10", root=tiny_cifar) == tiny_cifar / "cifar10"
    assert require_dataset(str(odd_folder)) == odd_folder
    with pytest.raises(ValueError, match="no data set 'cifar-10'; did you mean cifar10"):
        require_dataset("cifar-10")
    for name in ("oxford-pets", "tiny-imagenet", str(odd_folder / "train")):
        pytest.raises(MissingDataError, require_dataset, name, root=tiny_cifar).match("train|is not here")
    assert available(tiny_cifar)["cifar10"] == str(tiny_cifar / "cifar10")
    report = available(tmp_path / "nothing")
    assert set(report) == {"photos", "cifar10", "oxford-pets", "tiny-imagenet", "imagenet"}
    assert all("nothing" in report[name] for name in ("cifar10", "oxford-pets", "tiny-imagenet", "imagenet"))
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    assert data_root() == tmp_path and data_root("elsewhere").name == "elsewhere"
