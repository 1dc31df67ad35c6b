"""Find it, else train it; files that are whole or refused."""

import json
import os
import pickle
import threading

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet
from arae_core.networks import mirror
from arae_core.losses import InversionWeights
from arae_core.training import (
    Attack,
    CheckpointError,
    ClassifierConfig,
    InverterConfig,
    checkpoint,
    safefile,
    trained_classifier,
    trained_inverter,
)
from arae_core.training.trained import code_digest

ONE = ClassifierConfig(epochs=1, batch_size=32, lr=0.01)


def test_trains_once_then_finds(tiny, build):
    first = trained_classifier(build, tiny, ONE, seed=0)
    second = trained_classifier(build, tiny, ONE, seed=0)
    assert not first.found and second.found and first.history == second.history and first.path == second.path
    a, b = first.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(a[k], b[k]) for k in a) and not second.model.training
    assert list(first.path.parent.glob("*.partial")) == []


@pytest.mark.parametrize("change", [
    dict(seed=1), dict(config=ClassifierConfig(epochs=1, batch_size=32, lr=0.02)),
    dict(config=ClassifierConfig(epochs=1, batch_size=32, lr=0.01, attack=Attack("l2", 0.1, 1, 0.1))),
    dict(build=lambda: AlexNet(image_size=32, num_classes=4, width=0.5)),
])
def test_any_difference_is_another_model(tiny, build, change):
    first = trained_classifier(build, tiny, ONE, seed=0)
    other = {"build": build, "config": ONE, "seed": 0, **change}
    second = trained_classifier(other["build"], tiny, other["config"], seed=other["seed"])
    assert not second.found and second.key != first.key


def test_other_data_is_another_model(tiny, build):
    first = trained_classifier(build, tiny, ONE, seed=0)
    assert trained_classifier(build, tiny.take(64, seed=0), ONE, seed=0).key != first.key


def test_generator_is_keyed_by_the_encoders_weights(tiny, build):
    config = InverterConfig(epochs=1, batch_size=32, weights=InversionWeights(1, 0, 0, "mean"))
    encoder = trained_classifier(build, tiny, ONE, seed=0).model
    first = trained_inverter(lambda: mirror(encoder, "conv5"), encoder, tiny, config, seed=0)
    assert trained_inverter(lambda: mirror(encoder, "conv5"), encoder, tiny, config, seed=0).found
    with torch.no_grad():
        encoder.stages["conv1"][0].bias[0] += 1e-3
    assert trained_inverter(lambda: mirror(encoder, "conv5"), encoder, tiny, config, seed=0).key != first.key


def test_found_among_the_reference_models(tiny, build, tmp_path, monkeypatch):
    first = trained_classifier(build, tiny, ONE, seed=0)
    shelf = tmp_path / "book" / "reference" / "cifar10" / "models"
    shelf.mkdir(parents=True)
    os.replace(first.path, shelf / "a-name-for-people.safetensors")
    (tmp_path / "_config.yml").touch()
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    again = trained_classifier(build, tiny, ONE, seed=0)
    assert again.found and again.path.parent == shelf


def test_two_that_want_the_same_model_train_it_once(tiny, build, monkeypatch):
    calls = []
    monkeypatch.setattr(checkpoint, "train_classifier",
                        lambda *a, **k: calls.append(1) or [{"epoch": 1, "seconds": 0.0}])
    monkeypatch.setattr(checkpoint, "model_key", lambda *a, **k: "same")
    threads = [threading.Thread(target=trained_classifier, args=(build, tiny, ONE), kwargs={"seed": 0})
               for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(calls) == 1


def test_code_digest_ignores_comments_and_docstrings():
    def f(x):
        """One."""
        return x + 1  # a comment

    g_source = f

    def f(x):

        return x + 1

    same, f_again = code_digest(g_source), f
    assert code_digest(f_again) == same

    def f(x):
        return x + 2

    assert code_digest(f) != same


# --- files ---------------------------------------------------------------------------------------

@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "m.safetensors"
    safefile.save(path, nn.Linear(3, 2).state_dict(), {"note": "x"})
    return path


def test_round_trip(saved):
    module = nn.Linear(3, 2)
    assert safefile.load_into(module, saved)["note"] == "x"
    assert safefile.digest(module.state_dict()) == safefile.load(saved)[1]["digest"]


def test_truncated(saved):
    saved.write_bytes(saved.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="m.safetensors.*delete it"):
        safefile.load(saved)


def test_bit_flip(saved):
    content = bytearray(saved.read_bytes())
    content[-1] ^= 1
    saved.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="altered.*digest"):
        safefile.load(saved)


def test_wrong_architecture_lists_names(saved):
    with pytest.raises(CheckpointError, match=r"missing \['0.bias', '0.weight'\], extra \['bias', 'weight'\]"):
        safefile.load_into(nn.Sequential(nn.Linear(3, 2)), saved)
    with pytest.raises(CheckpointError, match=r"weight \(2, 3\) for \(2, 4\)"):
        safefile.load_into(nn.Linear(4, 2), saved)


def test_pickle_is_refused_and_runs_nothing(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="not a whole safetensors"):
        safefile.load(path)
    assert not (tmp_path / "exploded").exists()


def test_failed_write_keeps_the_previous_file(saved, monkeypatch):
    before = saved.read_bytes()

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safefile, "save_file", full_disk)
    with pytest.raises(CheckpointError, match="No space left.*ARAE_STORE"):
        safefile.save(saved, nn.Linear(3, 2).state_dict(), {})
    assert saved.read_bytes() == before and os.listdir(saved.parent) == [saved.name]


def test_store_that_cannot_be_written(tiny, build, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "file" / "store"))
    with pytest.raises(CheckpointError, match="ARAE_STORE"):
        trained_classifier(build, tiny, ONE, seed=0)


def test_card_says_what_the_file_is(tiny, build):
    _, card = safefile.load(trained_classifier(build, tiny, ONE, seed=7).path)
    assert json.loads(card["config"])["epochs"] == 1 and card["seed"] == "7" and tiny.digest in card["data"]
