"""A random trunk, its number never called LPIPS, shows scaling, shape and zero on identity."""

from unittest.mock import Mock

import pytest
import torch

from arae_core.metrics import LPIPSUnavailable, lpips, lpips_available
from arae_core.metrics.lpips import TRUNKS, _distance, _pretrained, _random_trunk
from arae_core.networks import pretrained


@pytest.fixture(scope="module")
def random_trunk():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _random_trunk("alex")


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    for way in ("download_url_to_file", "load_state_dict_from_url"):
        monkeypatch.setattr(torch.hub, way, Mock(side_effect=AssertionError("a download was tried")))
    return tmp_path


def images(seed, n=2, size=32):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_shape_sign_zero_on_identity_and_images_in_minus_one_to_one(random_trunk):
    x, x_hat = images(0), images(1)
    with torch.no_grad():
        assert _distance(random_trunk, x, x).tolist() == [0.0, 0.0]
        assert _distance(random_trunk, x_hat, x).shape == (2,)
        assert (_distance(random_trunk, x_hat, x) > 0).all()
        expected = random_trunk(x_hat, x, normalize=True).flatten()  # lpips's own way from [0,1]
        torch.testing.assert_close(_distance(random_trunk, x_hat, x), expected)
        assert not torch.allclose(random_trunk(x_hat, x).flatten(), expected)


@pytest.mark.parametrize("net", TRUNKS)
def test_without_trunk_there_is_no_number_but_a_reason(nothing_here, net):
    error = pytest.raises(LPIPSUnavailable, lpips, images(0), images(1), net=net)
    for said in (TRUNKS[net], str(nothing_here / "data" / "weights"), "fetch_trunk"):
        assert said in str(error.value)
    available, reason = lpips_available(net)
    assert not available and TRUNKS[net] in reason and str(nothing_here) not in reason
    pytest.raises(ValueError, lpips_available, "squeeze").match("alex, vgg")
    pytest.raises(ValueError, lpips, images(0), images(1), net="resnet").match("alex, vgg")


@pytest.mark.parametrize("folder", ["data/weights", "hub/checkpoints"])
def test_a_file_whose_hash_is_not_in_its_name_is_refused(nothing_here, folder):
    path = nothing_here / folder / TRUNKS["alex"]
    path.parent.mkdir(parents=True)
    torch.save({}, path)
    error = pytest.raises(LPIPSUnavailable, lpips, images(0), images(1))
    assert "SHA-256" in str(error.value) and str(path) in str(error.value)


def test_the_trunk_fills_every_weight_by_torchvisions_names(nothing_here, random_trunk, monkeypatch):
    """A stand-in file, under torchvision's names, past the hash test: all of it arrives."""
    weights = random_trunk.net.state_dict()
    stand_in = {"features." + name.split(".", 1)[1]: value for name, value in weights.items()}
    stand_in["classifier.1.bias"] = torch.ones(1)  # the file holds the whole classifier
    path = nothing_here / "alexnet-owt-00000000.pth"
    torch.save(stand_in, path)
    monkeypatch.setattr(pretrained, "verify", lambda path: None)
    filled = _pretrained.__wrapped__("alex", path)  # past the cache, so that nothing later meets it
    with torch.no_grad():
        theirs, ours = (_distance(trunk, images(0), images(1)) for trunk in (random_trunk, filled))
    torch.testing.assert_close(ours, theirs)
    del stand_in["features.0.weight"]
    torch.save(stand_in, path)
    pytest.raises(KeyError, _pretrained.__wrapped__, "alex", path)
