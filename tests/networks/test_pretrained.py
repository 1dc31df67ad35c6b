"""Weight files are found in two places, used only with the hash in their name; VGG-19 comes with them."""

import hashlib

import pytest
import torch
import torchvision

from arae_core.networks import VGG19, mirror, pretrained, vgg19
from arae_core.networks.pretrained import WeightsUnavailable, read_weights, weights_file
from arae_core.networks.vgg19 import FILE
from tests.tiny import built


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return [tmp_path / "data" / "weights", tmp_path / "hub" / "checkpoints"]


def test_a_missing_file_says_where_was_looked_and_what_to_do(places):
    with pytest.raises(WeightsUnavailable) as error:
        weights_file("net-00000000.pth", needed_by="The test needs", fetch="fetch()")
    assert error.value.reason == "The test needs net-00000000.pth, which is not on this machine"
    assert all(str(place) in str(error.value) for place in places) and "fetch()" in str(error.value)


@pytest.mark.parametrize("place", [0, 1])
def test_a_file_is_read_if_its_hash_begins_as_its_name_says(places, place):
    places[place].mkdir(parents=True)
    draft = places[place] / "draft.pth"
    torch.save({"features.0.weight": torch.ones(2)}, draft)
    name = f"net-{hashlib.sha256(draft.read_bytes()).hexdigest()[:8]}.pth"
    path = draft.rename(places[place] / name)
    assert weights_file(name, needed_by="", fetch="") == path
    assert read_weights(path)["features.0.weight"].tolist() == [1, 1]
    path.write_bytes(path.read_bytes()[:-1])
    pytest.raises(WeightsUnavailable, read_weights, path).match("damaged")


ENDS = {"relu1_1": 2, "relu2_1": 7, "relu3_1": 12, "relu4_1": 21, "relu5_1": 30}  # of torchvision's chain


@pytest.fixture
def at_hand(tmp_path, monkeypatch):
    """torchvision's network, untrained, under the file's name; its hash is not looked at."""
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    monkeypatch.setattr(pretrained, "verify", lambda path: None)
    theirs = built(torchvision.models.vgg19).eval()
    (tmp_path / "weights").mkdir()
    features = {name: value for name, value in theirs.state_dict().items() if name.startswith("features")}
    torch.save(features, tmp_path / "weights" / FILE)
    return theirs


def test_features_are_torchvisions(at_hand):
    f, x = vgg19(32), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert not f.training and not any(p.requires_grad for p in f.parameters())
    with torch.no_grad():
        for layer, end in ENDS.items():
            expected = at_hand.features[:end]((x - f.mean) / f.std)
            torch.testing.assert_close(f.features(x, layer), expected)


def test_none_without_weights_or_of_an_odd_side_and_mirrors_of_all_five_layers(places):
    pytest.raises(WeightsUnavailable, vgg19).match("fetch_vgg19")
    pytest.raises(ValueError, VGG19, 40).match("multiple of 16")
    f = VGG19(32)
    for layer in f.layers:
        g = mirror(f, layer, upsampling="nearest").eval()
        assert g(torch.zeros(1, *f.feature_shape(layer))).shape == (1, 3, 32, 32)
