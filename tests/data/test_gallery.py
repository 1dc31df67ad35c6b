"""A gallery takes embedded pictures and folders by name, and knows what it holds."""

import pytest
import torch
from PIL import Image

from arae_core.data import MissingDataError, gallery, photograph, require_pictures, texture


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    for name, size in (("a", (40, 20)), ("b", (10, 30))):
        Image.new("RGB", size, (255, 0, 51)).save(tmp_path / "mine" / f"{name}.png")
    return tmp_path


def test_names_and_folders_in_order(folder):
    found = gallery(["coffee", "mine", "brick"], root=folder)
    assert list(found.pictures) == ["coffee", "a", "b", "brick"] and found.name == "photographs + mine + textures"
    assert torch.equal(found.pictures["coffee"], photograph("coffee"))
    assert torch.equal(found.pictures["brick"], texture("brick"))
    assert found.pictures["b"][0, :, 0, 0].tolist() == pytest.approx([1, 0, 0.2])
    scaled = gallery(["coffee", "mine"], longest_side=32, root=folder).pictures  # the large ones
    assert [tuple(picture.shape[2:]) for picture in scaled.values()] == [(21, 32), (16, 32), (30, 10)]


def test_digest_follows_the_pixels(folder):
    digests = {gallery(names, root=folder).digest for names in (["mine"], ["brick"], ["mine", "brick"])}
    assert len(digests) == 3 and gallery(["mine"], root=folder).digest in digests
    Image.new("RGB", (40, 20), (255, 0, 52)).save(folder / "mine" / "a.png")
    assert gallery(["mine"], root=folder).digest not in digests


def test_what_is_not_there_or_there_twice_is_refused_before_anything_is_read(folder):
    pytest.raises(MissingDataError, gallery, ["marble"], root=folder).match("marble")
    pytest.raises(ValueError, gallery, ["brick", "brick"]).match("two pictures are called brick")
    pytest.raises(ValueError, gallery, []).match("at least")
    require_pictures(["coffee", "brick", "mine"], least_side=10, root=folder)
    pytest.raises(MissingDataError, require_pictures, ["coffee", "marble"], root=folder).match("marble")
    with pytest.raises(ValueError, match="b.png has 10 x 30 pixels.*11 at least"):
        require_pictures(["mine"], least_side=11, root=folder)
    (folder / "mine" / "c.png").write_text("no")
    pytest.raises(ValueError, require_pictures, ["mine"], root=folder).match("c.png")
