"""A gallery takes embedded pictures and folders by name, and knows what it holds."""

import pytest
import torch
from PIL import Image

from arae_core.data import MissingDataError, gallery, photograph, texture


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    for name, size in (("a", (40, 20)), ("b", (10, 30))):
        Image.new("RGB", size, (255, 0, 51)).save(tmp_path / "mine" / f"{name}.png")
    return tmp_path


def test_names_and_folders_in_order(folder):
    its = gallery(["coffee", "mine", "brick"], root=folder)
    assert list(its.pictures) == ["coffee", "a", "b", "brick"] and its.name == "photographs + mine + textures"
    assert torch.equal(its.pictures["coffee"], photograph("coffee"))
    assert torch.equal(its.pictures["brick"], texture("brick"))
    assert its.pictures["b"].shape == (1, 3, 30, 10) and its.pictures["b"][0, :, 0, 0].tolist() == pytest.approx([1, 0, 0.2])


def test_large_pictures_are_scaled_and_small_ones_stay(folder):
    its = gallery(["coffee", "mine"], longest_side=32, root=folder).pictures
    assert its["coffee"].shape == (1, 3, 21, 32) and its["a"].shape == (1, 3, 16, 32) and its["b"].shape == (1, 3, 30, 10)


def test_digest_follows_the_pixels(folder):
    digests = {gallery(names, root=folder).digest for names in (["mine"], ["brick"], ["mine", "brick"])}
    assert len(digests) == 3 and gallery(["mine"], root=folder).digest in digests
    Image.new("RGB", (40, 20), (255, 0, 52)).save(folder / "mine" / "a.png")
    assert gallery(["mine"], root=folder).digest not in digests


def test_what_is_not_there_or_there_twice(folder):
    with pytest.raises(MissingDataError, match="marble"):
        gallery(["marble"], root=folder)
    with pytest.raises(ValueError, match="two pictures are called brick"):
        gallery(["brick", "brick"])
    with pytest.raises(ValueError, match="at least"):
        gallery([])
