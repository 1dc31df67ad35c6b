"""Weight files are found in two places, and used only when their hash is the one in their name."""

import hashlib

import pytest
import torch

from arae_core.networks.pretrained import WeightsUnavailable, read_weights, weights_file


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
