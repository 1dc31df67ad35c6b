"""Weights hosted elsewhere: fetched once, kept only if they are what their card says."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import threading
import time

import fsspec
import pytest
import torch
from torch import nn

from arae_core.store import store_dir
from arae_core.training import (
    CardError,
    CheckpointError,
    ModelCard,
    cards,
    reference_model,
    safefile,
    trained_classifier,
)
from arae_core.training import hosted as loader
from arae_core.training.classifier import ClassifierConfig
from arae_core.training.hosted import Unreachable, addresses, hosted
from arae_core.training.reference import reference_by_key


def card_for(path, **changes):
    card = ModelCard(
        name="small", profile="tiny", role="encoder", architecture="Linear", arguments={}, encoder=None, layer=None,
        parameters=6, image_size=1, inputs="numbers", mean=None, std=None, norm=None, eps=None,
        data={"name": "none", "digest": "0", "notes": ""}, seed=0, recipe={}, key="classifier-0", record=None,
        measures=[], bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), licence="MIT",
        source="here", address=None)
    return dataclasses.replace(card, **changes)


@pytest.fixture
def weights(tmp_path):
    """A checkpoint outside the book, `<base>/tiny/small.safetensors`."""
    torch.manual_seed(7)
    path = tmp_path / "elsewhere" / "tiny" / "small.safetensors"
    safefile.save(path, nn.Linear(2, 2).state_dict(), {"key": "classifier-0", "history": "[]"})
    return path


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A book's folder `book/reference/tiny/models`, empty; no weights anywhere else."""
    folder = tmp_path / "checkout" / "book" / "reference" / "tiny" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "checkout" / "_config.yml").touch()
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path / "checkout"))
    monkeypatch.delenv("ARAE_MODELS", raising=False)
    return folder


def kept():
    return sorted(path.name for path in (store_dir() / "hosted").glob("*") if path.suffix != ".lock")


def same(module, path):
    return all(torch.equal(value, safefile.load(path)[0][name]) for name, value in module.state_dict().items())


def test_a_card_and_an_address_stand_for_the_file(shelf, weights):
    card = card_for(weights, address=weights.as_uri())
    (shelf / "small.yaml").write_text(card.text())
    assert same(reference_model(nn.Linear(2, 2), "tiny", "small"), weights)
    assert kept() == [f"{card.sha256}.safetensors"]
    weights.unlink()
    assert not reference_model(nn.Linear(2, 2), "tiny", "small").training  # from the store


def test_memory_and_the_readers_own_place_before_the_cards(shelf, weights, monkeypatch):
    with fsspec.open("memory://shelf/tiny/small.safetensors", "wb") as file:
        file.write(weights.read_bytes())
    card = card_for(weights, address="memory://nowhere")
    monkeypatch.setenv("ARAE_MODELS", "memory://shelf/")
    assert addresses(card) == ["memory://shelf/tiny/small.safetensors", "memory://nowhere"]
    assert hosted(card).read_bytes() == weights.read_bytes()


def test_the_cards_address_where_the_readers_own_place_lacks_it(weights, monkeypatch, tmp_path):
    monkeypatch.setenv("ARAE_MODELS", str(tmp_path / "empty"))
    assert hosted(card_for(weights, address=str(weights))).read_bytes() == weights.read_bytes()


def test_a_folder_in_the_variable_is_enough(shelf, weights, monkeypatch):
    (shelf / "small.yaml").write_text(card_for(weights).text())
    with pytest.raises(Unreachable, match="set ARAE_MODELS to .* tiny/small.safetensors"):
        reference_model(nn.Linear(2, 2), "tiny", "small")
    monkeypatch.setenv("ARAE_MODELS", str(weights.parents[1]))
    assert same(reference_model(nn.Linear(2, 2), "tiny", "small"), weights)


def test_nothing_is_fetched_while_the_file_is_here(shelf, weights, monkeypatch):
    (shelf / "small.yaml").write_text(card_for(weights, address="memory://nowhere").text())
    (shelf / "small.safetensors").write_bytes(weights.read_bytes())
    monkeypatch.setattr(loader, "_fetch", lambda *_: pytest.fail("fetched"))
    assert same(reference_model(nn.Linear(2, 2), "tiny", "small"), weights)
    assert reference_by_key("classifier-0") == shelf / "small.safetensors"


@pytest.mark.parametrize("other", [b"", b"short", None, b"x" * 10_000])
def test_what_is_not_the_cards_is_refused_and_not_kept(weights, other):
    card = card_for(weights, address=str(weights))
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]) if other is None else other)
    with pytest.raises(CheckpointError) as refused:
        hosted(card)
    assert str(weights) in str(refused.value) and kept() == []
    if other is None or len(other) < card.bytes:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
        assert card.sha256 in str(refused.value) and found in str(refused.value)


@pytest.mark.parametrize("end", [ConnectionError("line went dead"), KeyboardInterrupt()])
def test_an_interrupted_fetch_leaves_nothing(weights, monkeypatch, end):
    class Broken:
        def __enter__(self):
            self.reads = 0
            return self

        def __exit__(self, *_):
            pass

        def read(self, count):
            self.reads += 1
            if self.reads == 2:
                raise end
            return weights.read_bytes()[:20]

    card = card_for(weights, address=str(weights))
    with monkeypatch.context() as patched:
        patched.setattr(loader.fsspec, "open", lambda *_: Broken())
        with pytest.raises((Unreachable, KeyboardInterrupt)):
            hosted(card)
    assert kept() == []
    assert hosted(card).read_bytes() == weights.read_bytes()


def test_four_that_want_it_fetch_it_once(weights, monkeypatch):
    calls, copy = [], loader._copy
    monkeypatch.setattr(loader, "_copy", lambda *a: (calls.append(1), time.sleep(0.05), copy(*a)))
    card = card_for(weights, address=str(weights))
    threads = [threading.Thread(target=hosted, args=(card,)) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(calls) == 1 and kept() == [f"{card.sha256}.safetensors"]


def test_a_kept_file_that_was_damaged_is_fetched_again(weights):
    card = card_for(weights, address=str(weights))
    hosted(card).write_bytes(b"x" * card.bytes)
    assert hosted(card).read_bytes() == weights.read_bytes()


def test_a_missing_package_and_an_unknown_place_are_named(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    with pytest.raises(Unreachable, match=r"https://example.org/x needs .*aiohttp.* pip install -e '.\[hosted\]'"):
        hosted(card_for(weights, address="https://example.org/x"))
    with pytest.raises(Unreachable, match="gopher"):
        hosted(card_for(weights, address="gopher://example.org/x"))


def test_a_store_that_cannot_be_written(weights, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match="ARAE_STORE"):
        hosted(card_for(weights, address=str(weights)))


def test_a_model_that_nobody_knows_lists_files_and_cards(shelf, weights):
    (shelf / "small.yaml").write_text(card_for(weights).text())
    (shelf / "other.safetensors").write_bytes(weights.read_bytes())
    with pytest.raises(CheckpointError, match="no reference model 'tall'.* there are other, small"):
        reference_model(nn.Linear(2, 2), "tiny", "tall")


def test_a_module_of_another_architecture(shelf, weights):
    (shelf / "small.yaml").write_text(card_for(weights, address=str(weights)).text())
    with pytest.raises(CheckpointError, match="does not fit a Linear"):
        reference_model(nn.Linear(3, 2), "tiny", "small")


def test_a_training_finds_its_model_where_it_is_hosted(shelf, tiny, build, tmp_path):
    recipe = ClassifierConfig(epochs=1, batch_size=32, lr=0.01)
    first = trained_classifier(build, tiny, recipe, seed=0)
    away = tmp_path / "away.safetensors"
    first.path.rename(away)
    (shelf / "small.yaml").write_text(card_for(away, key=first.key, address=str(away)).text())
    (shelf / "other.yaml").write_text(card_for(away, name="other", address="memory://nowhere").text())
    again = trained_classifier(build, tiny, recipe, seed=0)
    assert again.found and again.path.parent.name == "hosted" and same(again.model, away)


def test_a_training_goes_on_where_the_host_does_not_answer(shelf, tiny, build, weights):
    recipe = ClassifierConfig(epochs=1, batch_size=96, lr=0.01)
    key = trained_classifier(build, tiny, recipe, seed=1).path
    key.unlink()
    (shelf / "small.yaml").write_text(card_for(weights, key=key.stem, address="memory://nowhere").text())
    with pytest.warns(UserWarning, match="memory://nowhere.*trained instead"):
        assert not trained_classifier(build, tiny, recipe, seed=1).found


def test_a_card_reads_back_as_it_was_written(shelf, weights):
    card = card_for(weights, address="s3://bucket/ü", eps=0.5, recipe={"betas": [0.9, 0.999], "attack": None})
    path = shelf / "small.yaml"
    path.write_text(card.text())
    assert ModelCard.read(path) == card and cards.model_cards() == [card]


@pytest.mark.parametrize("change, said", [
    (lambda text: text + "colour: red\n", r"unknown \['colour'\]"),
    (lambda text: text.replace("licence: MIT\n", ""), r"missing \['licence'\]"),
    (lambda text: text.replace("bytes: ", "bytes: about "), "bytes is 'about"),
    (lambda text: text.replace("name: small", "name: tall", 1), "is the card of tiny/tall"),
    (lambda text: text.replace("sha256: ", "sha256: x"), "sha256 is 'x"),
    (lambda text: "- a\n- list\n", "a list instead of fields"),
    (lambda text: "a: [", "cannot be read as YAML"),
])
def test_what_is_no_card_is_refused_with_its_path(shelf, weights, change, said):
    path = shelf / "small.yaml"
    path.write_text(change(card_for(weights).text()))
    with pytest.raises(CardError, match=said) as refused:
        reference_model(nn.Linear(2, 2), "tiny", "small")
    assert str(path) in str(refused.value)
