"""VGG-19's chain is torchvision's, and comes with verified weights or not at all."""

import pytest
import torch
import torchvision

from arae_core.networks import VGG19, mirror, pretrained, vgg19
from arae_core.networks.pretrained import WeightsUnavailable
from arae_core.networks.vgg19 import FILE

ENDS = {"relu1_1": 2, "relu2_1": 7, "relu3_1": 12, "relu4_1": 21, "relu5_1": 30}  # modules of torchvision's chain


@pytest.fixture
def at_hand(tmp_path, monkeypatch):
    """torchvision's network, untrained, under the file's name; its hash is not looked at."""
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    monkeypatch.setattr(pretrained, "verify", lambda path: None)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torchvision.models.vgg19().eval()
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


def test_without_weights_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    pytest.raises(WeightsUnavailable, vgg19).match("fetch_vgg19")


def test_mirrors_of_all_five_layers():
    f = VGG19(32)
    for layer in f.layers:
        g = mirror(f, layer, upsampling="nearest").eval()
        assert g(torch.zeros(1, *f.feature_shape(layer))).shape == (1, 3, 32, 32)


def test_a_side_that_cannot_be_halved():
    pytest.raises(ValueError, VGG19, 40).match("multiple of 16")
