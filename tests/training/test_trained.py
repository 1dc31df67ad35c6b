"""Find it, else train it; files that are whole or refused."""

import dataclasses
import hashlib
import json
import os
import pickle
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pooch
import pytest
import torch
from torch import nn

from arae_core.data import ImagesAbsent
from arae_core.losses import InversionWeights
from arae_core.networks import AlexNet, mirror, specification
from arae_core.store import asked, reference_dir
from arae_core.training import Attack, ClassifierConfig, files, train_classifier
from arae_core.training.files import CheckpointError
from arae_core.training.inverter import InverterConfig, train_inverter
from arae_core.training.reference import reference_data, reference_model, reference_models
from arae_core.training.trained import declaration, declared_fields, digest_of, find_else_train, listening

ONE = ClassifierConfig(epochs=1, batch_size=32, lr=0.01)


def test_any_difference_is_another_model(tiny, build):
    asked = {"build": build, "loop": train_classifier, "data": tiny, "config": ONE, "seed": 0}
    changes = [{}, {"seed": 1}, {"data": tiny.take(64)}, {"config": dataclasses.replace(ONE, lr=0.02)},
               {"config": dataclasses.replace(ONE, attack=Attack("l2", 0.1, 1, 0.1))},
               {"build": lambda: AlexNet(image_size=32, num_classes=4, width=0.5)}]
    models = [find_else_train(**asked | change) for change in changes]
    assert not any(model.found for model in models) and len({model.key for model in models}) == len(changes)


def test_generator_is_keyed_by_the_encoders_weights(tiny, build):
    config = InverterConfig(epochs=1, batch_size=32, weights=InversionWeights(1, 0, 0, "mean"))
    encoder = find_else_train(build, train_classifier, tiny, ONE, seed=0).model

    def found():
        return find_else_train(lambda: mirror(encoder, "conv5"), train_inverter, tiny, config, seed=0, encoder=encoder)

    first = found()
    assert found().found
    with torch.no_grad():
        encoder.stages["conv1"][0].bias[0] += 1e-3
    assert found().key != first.key


def test_found_among_the_reference_models_and_the_file_says_what_it_is(tiny, build, tmp_path, monkeypatch):
    first = find_else_train(build, train_classifier, tiny, ONE, seed=0)
    shelf = tmp_path / "book" / "reference" / "cifar10" / "models"
    shelf.mkdir(parents=True)
    os.replace(first.path, shelf / "a-name-for-people.safetensors")
    (tmp_path / "_config.yml").touch()
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    again = find_else_train(build, train_classifier, tiny, ONE, seed=0)
    assert again.found and again.path.parent == shelf and again.path in asked
    _, said = files.load(again.path)
    assert json.loads(said["config"])["epochs"] == 1 and said["seed"] == "0" and tiny.digest in said["data"]


def test_without_its_images_a_model_is_found_by_their_description_and_never_trained(tiny, build, tmp_path, monkeypatch):
    shelf = tmp_path / "book" / "reference" / "small" / "models"
    shelf.mkdir(parents=True)
    first = find_else_train(build, train_classifier, tiny, ONE, seed=0)
    os.replace(first.path, shelf / "robust-encoder.safetensors")
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    absent = reference_data("small")
    assert (absent.name, absent.digest, absent.class_count) == (tiny.name, tiny.digest, len(tiny.classes))
    again = find_else_train(build, train_classifier, absent, ONE, seed=0)
    assert again.found and again.key == first.key
    more = dataclasses.replace(ONE, epochs=2, attack=Attack("l2", 0.5, 1, 0.5))
    said = "'longer' as asked for: the nearest, small/robust-encoder, has config.attack.config the default, not Attack; .*"
    with pytest.raises(CheckpointError, match=said + "config.epochs 1, not 2"):
        find_else_train(build, train_classifier, absent, more, seed=0, title="longer")
    for use in (len, lambda data: data.batches(2)):
        with pytest.raises(ImagesAbsent, match=f"the images of {tiny.name} .* are not loaded here"):
            use(absent)
    said = "is 'inverted' as asked for: there is none of its kind"
    with pytest.raises(CheckpointError, match=said):
        find_else_train(lambda: mirror(again.model, "conv5"), train_inverter, absent, InverterConfig(layer="conv5"), seed=0,
                        encoder=again.model, title="inverted")


def test_two_that_want_the_same_model_train_it_once(tiny, build):
    calls = []

    def loop(model, data, config, **_):
        calls.append(1)
        return [{"epoch": 1, "seconds": 0.0}]

    loop.__module__ = train_classifier.__module__  # where a VERSION stands
    threads = [threading.Thread(target=find_else_train, args=(build, loop, tiny, ONE), kwargs={"seed": 0}) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(calls) == 1


def test_a_listener_is_told_of_every_model_found_or_trained(tiny, build):
    seen = []
    with listening(lambda trained: seen.append((trained.title, trained.found))):
        for _ in range(2):
            find_else_train(build, train_classifier, tiny, ONE, seed=0, title="standard")
    find_else_train(build, train_classifier, tiny, ONE, seed=0)
    assert seen == [("standard", False), ("standard", True)]


def test_found_or_trained_the_random_numbers_that_follow_are_the_same(tiny, build):
    def drawn():
        torch.manual_seed(5)
        find_else_train(build, train_classifier, tiny, ONE, seed=0)
        return torch.rand(3)

    assert torch.equal(drawn(), drawn()) and torch.equal(drawn(), torch.manual_seed(5) and torch.rand(3))


# --- keys ----------------------------------------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Grown(ClassifierConfig):
    """A config that got a new field, at its default in all that were there before."""

    tempo: float = 1.0


def test_fields_at_their_defaults_do_not_count(tiny, build):
    plain = declared_fields(ONE)
    assert plain == {"config": "ClassifierConfig", "epochs": 1, "batch_size": 32, "lr": 0.01}
    assert {**declared_fields(Grown(epochs=1, batch_size=32, lr=0.01)), "config": "ClassifierConfig"} == plain
    assert declared_fields(Grown(tempo=2.0))["tempo"] == 2.0
    attack = declared_fields(ClassifierConfig(attack=Attack("l2", 0.5, 2, 0.1)))["attack"]
    assert attack == {"config": "Attack", "norm": "l2", "eps": 0.5, "steps": 2, "step_size": 0.1}


def test_a_networks_specification_leaves_defaults_out_and_nests():
    encoder = AlexNet(image_size=32, num_classes=4, width=0.25)
    said = {"network": "AlexNet", "arguments": {"image_size": 32, "num_classes": 4, "width": 0.25}}
    assert specification(encoder) == said
    assert specification(mirror(encoder, "conv5")) == {"network": "mirror", "arguments": {"encoder": said, "layer": "conv5"}}
    pytest.raises(TypeError, specification, nn.Linear(2, 2)).match("Linear keeps no `arguments`")


def test_a_class_of_a_notebook_counts_by_its_source():
    class Own(AlexNet):
        def slope(self):
            return 0

    first = specification(Own(image_size=32, num_classes=4))

    class Own(AlexNet):
        def slope(self):
            return 1

    second = specification(Own(image_size=32, num_classes=4))
    assert first["network"] == second["network"] == "Own" and first["source"] != second["source"]


def test_version_and_loop_count(tiny, build, monkeypatch):
    before = declaration(build(), train_classifier, tiny, ONE, 0)
    monkeypatch.setattr(sys.modules[train_classifier.__module__], "VERSION", 2)
    after = declaration(build(), train_classifier, tiny, ONE, 0)
    assert digest_of(before) != digest_of(after) and (before["version"], after["version"]) == (1, 2)


def test_every_committed_model_is_what_its_file_says_and_no_file_is_large():
    for profile, name, path, said in reference_models():
        declared = json.loads(said["declared"])
        assert specification(reference_model(profile, name)) == declared["model"], path
        assert digest_of(declared) == said["key"].split("-")[1] and path.stat().st_size <= 5e6, path
    assert sum(path.stat().st_size for path in reference_dir().rglob("*") if path.is_file()) <= 40e6


@pytest.mark.parametrize("name", ["standard-encoder", "robust-encoder", "standard-conv5-generator", "robust-conv5-generator"])
def test_the_committed_models_are_what_they_say_and_have_todays_keys(name):
    """Built from its own words, loaded, and declared anew: the key under which a chapter looks for it."""
    model = reference_model("cifar10", name)
    _, _, path, said = next(entry for entry in reference_models() if entry[1] == name)
    declared = json.loads(said["declared"])
    assert specification(model) == declared["model"] and digest_of(declared) == said["key"].split("-")[1]
    config = json.loads(said["config"])
    config = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
    recipe, loop, part, kind, encoder = ClassifierConfig, train_classifier, "attack", Attack, None
    if name.endswith("generator"):
        recipe, loop, part, kind = InverterConfig, train_inverter, "weights", InversionWeights
        encoder = reference_model("cifar10", name.split("-")[0] + "-encoder")
    config[part] = config[part] and kind(**config[part])
    data = SimpleNamespace(digest=said["data"].split()[1])
    assert declaration(model, loop, data, recipe(**config), int(said["seed"]), encoder=encoder) == declared


def test_a_reference_model_of_an_unknown_network_or_name_is_refused(tmp_path, monkeypatch):
    shelf = tmp_path / "book" / "reference" / "x" / "models"
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    declared = {"model": {"network": "os.system", "arguments": {"command": "true"}}}
    files.save(shelf / "odd.safetensors", nn.Linear(2, 2).state_dict(), {"declared": json.dumps(declared), "key": "k"})
    with pytest.raises(CheckpointError, match="odd.safetensors holds a network that cannot be built"):
        reference_model("x", "odd")
    with pytest.raises(CheckpointError, match="no reference model 'even'.*there are x/odd"):
        reference_model("x", "even")
    hosted = tmp_path / "book" / "reference" / "hosted.yaml"
    assert {shelf / "odd.safetensors", shelf / "even.safetensors", hosted} <= asked  # pages made with them depend on them


def test_a_hosted_model_is_fetched_once_and_only_if_it_is_the_one(tiny, build, tmp_path, monkeypatch):
    first = find_else_train(build, train_classifier, tiny, ONE, seed=0)
    away = tmp_path / "away" / "weights.safetensors"
    away.parent.mkdir()
    os.replace(first.path, away)
    reference = tmp_path / "book" / "reference"
    reference.mkdir(parents=True)
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    entry = {"url": away.as_uri(), "sha256": hashlib.sha256(away.read_bytes()).hexdigest(), "key": first.key}
    (reference / "hosted.yaml").write_text(json.dumps({"cifar10/robust-encoder": entry}))
    monkeypatch.setattr(pooch, "retrieve", lambda url, known, name, folder: shelve(away, known, Path(folder) / name))
    again = find_else_train(build, train_classifier, tiny, ONE, seed=0)
    assert again.found and again.path.parent.name == "hosted"
    again.path.unlink()
    (reference / "hosted.yaml").write_text(json.dumps({"cifar10/robust-encoder": {**entry, "sha256": "0" * 64}}))
    with pytest.warns(UserWarning, match="could not be fetched.*trained instead"):
        assert not find_else_train(build, train_classifier, tiny, ONE, seed=0).found
    (reference / "hosted.yaml").write_text("cifar10/robust-encoder: {url: x}")
    with pytest.raises(CheckpointError, match="hosted.yaml: cifar10/robust-encoder needs url, sha256 and key"):
        reference_model("cifar10", "robust-encoder")


def shelve(source, known, target):
    """What pooch does with an address, which has no network here: the file, if it has the hash."""
    if hashlib.sha256(source.read_bytes()).hexdigest() != known:
        raise ValueError("SHA256 hash of downloaded file does not match the known hash")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    return str(target)


# --- files ---------------------------------------------------------------------------------------

@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "m.safetensors"
    files.save(path, nn.Linear(3, 2).state_dict(), {"note": "x"})
    return path


def test_round_trip_into_that_architecture_only(saved):
    module = nn.Linear(3, 2)
    assert files.load_into(module, saved)["note"] == "x"
    assert files.digest(module.state_dict()) == files.load(saved)[1]["digest"]
    with pytest.raises(CheckpointError, match=r"missing \['0.bias', '0.weight'\], extra \['bias', 'weight'\]"):
        files.load_into(nn.Sequential(nn.Linear(3, 2)), saved)
    wide = nn.Linear(4, 2)
    pytest.raises(CheckpointError, files.load_into, wide, saved).match(r"weight \(2, 3\) for \(2, 4\)")


@pytest.mark.parametrize("damage, cause, readers", [(lambda content: content[:-4], "m.safetensors.*delete it", [files.load]),
    (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "altered.*digest", [files.load]),
    (lambda content: content.replace(b'"note":"x"', b'"note":"y"'), "altered.*of itself", [files.load, files.metadata_of]),
])
def test_a_truncated_or_altered_file_is_refused(saved, damage, cause, readers):
    saved.write_bytes(damage(saved.read_bytes()))
    for read in readers:
        pytest.raises(CheckpointError, read, saved).match(cause)


def test_pickle_is_refused_and_runs_nothing(saved, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    saved.write_bytes(pickle.dumps(Bomb()))
    pytest.raises(CheckpointError, files.load, saved).match("not a whole safetensors")
    assert not (tmp_path / "exploded").exists()


def test_a_failed_write_names_the_store_and_keeps_the_previous_file(tiny, build, saved, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(saved / "store"))  # cannot be written
    with pytest.raises(CheckpointError, match="ARAE_STORE"):
        find_else_train(build, train_classifier, tiny, ONE, seed=0)
    before = saved.read_bytes()
    monkeypatch.setattr(files, "write_whole", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(CheckpointError, match="No space left.*ARAE_STORE"):
        files.save(saved, nn.Linear(3, 2).state_dict(), {})
    assert saved.read_bytes() == before and os.listdir(saved.parent) == [saved.name]
