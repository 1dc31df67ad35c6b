"""Cats against dogs, from a folder laid out as the published one."""

import pytest
import torch
from PIL import Image

from arae_core.data import MissingDataError, available, load, oxford_pets

NAMES = {"trainval": [("Abyssinian_1", 1), ("beagle_2", 2), ("Bengal_7", 1)], "test": [("pug_4", 2), ("Abyssinian_9", 1)]}


@pytest.fixture
def pets(tmp_path):
    """Cats red and dogs blue, of odd sizes."""
    base = tmp_path / "oxford-iiit-pet"
    (base / "images").mkdir(parents=True)
    (base / "annotations").mkdir()
    for split, rows in NAMES.items():
        for i, (name, kind) in enumerate(rows):
            picture = Image.new("RGB", (30 + i, 20), ["red", "blue"][kind - 1])
            picture.save(base / "images" / f"{name}.jpg", quality=95)
        lines = [f"{name} {i} {kind} 1\n" for i, (name, kind) in enumerate(rows, 1)]
        (base / "annotations" / f"{split}.txt").write_text("".join(lines))
    return tmp_path


def test_two_classes_scaled_whole(pets):
    train = load("oxford-pets", "train", image_size=24, root=pets)
    assert train.images.shape == (3, 3, 24, 24) and train.classes == ("cat", "dog") and train.labels.tolist() == [0, 1, 0]
    assert torch.equal(train.images.float().mean((2, 3)).argmax(1), torch.tensor([0, 2, 0]))
    assert oxford_pets("test", image_size=8, root=pets).labels.tolist() == [1, 0]
    assert len(train.only("cat")) == 2 and available(pets)["oxford-pets"] == str(pets / "oxford-iiit-pet")


def test_missing_damaged_or_asked_for_wrongly(pets, tmp_path):
    with pytest.raises(MissingDataError, match=r"not found(?s:.*)images.tar.gz"):
        oxford_pets("train", image_size=24, root=tmp_path / "elsewhere")
    (pets / "oxford-iiit-pet" / "images" / "beagle_2.jpg").write_bytes(b"no picture")
    pytest.raises(MissingDataError, oxford_pets, "train", image_size=24, root=pets).match("beagle_2")
    (pets / "oxford-iiit-pet" / "annotations" / "test.txt").unlink()
    pytest.raises(MissingDataError, oxford_pets, "test", image_size=24, root=pets).match(r"test\.txt")
    pytest.raises(ValueError, oxford_pets, "val", image_size=24, root=pets).match("split")
    pytest.raises(ValueError, oxford_pets, "test", image_size=0, root=pets).match("image_size")
