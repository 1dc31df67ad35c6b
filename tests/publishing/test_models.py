"""`arae models`: cards made from checkpoints and records, listed, shown, and compared with their files."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from arae_core.cli import _status
from arae_core.encoders import AlexNet
from arae_core.generators import mirror
from arae_core.losses import InversionWeights
from arae_core.publishing.generated import generated
from arae_core.results import Record, card_of
from arae_core.training import (
    Attack,
    CardError,
    ClassifierConfig,
    InverterConfig,
    ModelCard,
    checkpoint,
    safefile,
)

DATA = SimpleNamespace(name="photos", digest="0123", notes="")
PARAMETERS = dict(
    profile="tiny", dataset="photos", image_size=32, width=0.25, epochs=2, batch_size=128, lr=0.1, schedule="one-cycle",
    weight_decay=5e-4, clip=1.0, augment="none", norm="l2", eps=0.5, attack_steps=3, attack_step_size=0.2,
    keep_best=False, layer="conv5", layers=["conv1", "conv5"], loss_sets=["pixel"], generator_epochs=3, layer_epochs=1,
    generator_batch_size=128, generator_lr=2e-3, critic_lr=2e-3, beta1=0.9, beta2=0.999,
    generator_schedule="one-cycle", reduction="mean", pixel_weight=1.0, feature_weight=0.1, adversarial_weight=0.003,
    precision="auto", seed=0)


@pytest.fixture(scope="module")
def encoder():
    return AlexNet(image_size=32, num_classes=4, width=0.25)


@pytest.fixture
def shelf(small_book, encoder, monkeypatch):
    """A profile `tiny` with a robust encoder and its generators for two layers, and the records of both chapters."""
    monkeypatch.delenv("ARAE_MODELS", raising=False)
    folder = small_book / "book/reference/tiny/models"
    recipe = ClassifierConfig(epochs=2, attack=Attack("l2", 0.5, 3, 0.2))
    save(folder / "robust-encoder.safetensors", encoder, "classifier-1", recipe)
    save(folder / "robust-conv5-generator.safetensors", mirror(encoder, "conv5"), "inverter-5",
         InverterConfig(layer="conv5", epochs=3, weights=InversionWeights(1.0, 0.0, 0.0, "mean")))
    save(folder / "robust-conv1-generator.safetensors", mirror(encoder, "conv1"), "inverter-6",
         InverterConfig(layer="conv1", epochs=1, weights=InversionWeights(1.0, 0.1, 0.0, "mean")))
    write_record(folder, "robust_training", {"accuracy/robust/clean": 0.75, "accuracy/robust/pgd": 0.5,
                                             "accuracy/standard/clean": 0.9, "gradient_roughness/robust/clean": 1.0})
    write_record(folder, "inversion", {"psnr/robust/pixel": 21.5, "ssim/robust/pixel": 0.625,
                                       "psnr/robust/conv1": 30.25, "psnr/standard/pixel": 11.0})
    return folder


def save(path, module, key, config):
    said = checkpoint.model_card(config, DATA, 0, "cpu")
    safefile.save(path, module.half().state_dict(), {**said, "key": key, "history": "[]"})
    module.float()


def write_record(folder, chapter, values, **changes):
    parameters = PARAMETERS | changes
    record = Record.of_run(chapter, parameters=parameters, data=DATA, seed=0, started=0.0)
    for name, value in values.items():
        record.add(name, value)
    return record.write(folder.parent / "records")


def test_cards_are_made_from_file_and_record(shelf, small_book, capsys):
    assert _status(["models", "--write"]) == 0
    assert capsys.readouterr().out.count("wrote ") == 3
    card = ModelCard.read(shelf / "robust-encoder.yaml")
    assert card.arguments == {"image_size": 32, "num_classes": 4, "width": 0.25} and card.parameters > 1000
    assert (card.norm, card.eps, card.seed, card.key) == ("l2", 0.5, 0, "classifier-1")
    assert card.measures == ["accuracy/robust/clean", "accuracy/robust/pgd"] and card.recipe["epochs"] == 2
    assert card.record.startswith("robust_training-tiny-seed0") and len(card.mean) == 3
    deep, shallow = (ModelCard.read(shelf / f"robust-{layer}-generator.yaml") for layer in ("conv5", "conv1"))
    assert deep.measures == ["psnr/robust/pixel", "ssim/robust/pixel"] and shallow.measures == ["psnr/robust/conv1"]
    assert (deep.architecture, deep.encoder, deep.layer, deep.eps) == ("mirror", "robust-encoder", "conv5", 0.5)
    assert _status(["models", "--write"]) == 0 and capsys.readouterr().out == "nothing changed\n"


def test_licence_and_address_stay_when_a_card_is_written_anew(shelf):
    _status(["models", "--write"])
    path = shelf / "robust-encoder.yaml"
    path.write_text(path.read_text().replace("licence: MIT", "licence: CC0-1.0")
                    .replace("address: null", "address: s3://b/x").replace("seed: 0", "seed: 9"))
    assert _status(["models", "--write"]) == 0
    card = ModelCard.read(path)
    assert (card.licence, card.address, card.seed) == ("CC0-1.0", "s3://b/x", 0)


def test_the_list(shelf, capsys):
    _status(["models", "--write"])
    capsys.readouterr()
    assert _status(["models"]) == 0
    head, conv1, conv5, encoder = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["model", "architecture"]
    for expected in ("tiny/robust-encoder", "AlexNet, 32 px, 4 classes, width 0.25", "photos", "l2, 0.5",
                     "accuracy (%) clean 75.0, pgd 50.0", " MB", "here"):
        assert expected in encoder
    assert "mirror of robust-encoder at conv5" in conv5 and "PSNR (dB) 21.50, SSIM 0.625" in conv5
    assert "PSNR (dB) 30.25" in conv1


def test_one_card_whole_and_names_that_are_none(shelf, capsys):
    _status(["models", "--write"])
    capsys.readouterr()
    assert _status(["models", "robust-encoder"]) == 0
    said = capsys.readouterr().out
    assert "sha256: " in said and "value: 0.75" in said and "where: here" in said
    assert _status(["models", "tiny/robust-encoder"]) == 0
    assert _status(["models", "rubust-encoder"]) == 2
    assert "did you mean tiny/robust-encoder" in capsys.readouterr().err
    assert _status(["models", "robust-encoder", "--write"]) == 2


def test_a_name_in_two_profiles_has_to_be_whole(shelf, capsys):
    other = shelf.parents[1] / "more" / "models" / "robust-encoder.safetensors"
    other.parent.mkdir(parents=True)
    other.write_bytes((shelf / "robust-encoder.safetensors").read_bytes())
    _status(["models", "--write"])
    assert ModelCard.read(other.with_suffix(".yaml")).record is None  # that profile has none
    assert _status(["models", "robust-encoder"]) == 2
    assert "more/robust-encoder, tiny/robust-encoder" in capsys.readouterr().err
    assert _status(["models", "more/robust-encoder"]) == 0


def test_a_damaged_file_is_named_and_ends_with_1(shelf, capsys):
    _status(["models", "--write"])
    path = shelf / "robust-encoder.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    capsys.readouterr()
    assert _status(["models"]) == 1
    out, err = capsys.readouterr()
    assert "damaged: SHA-256" in out and "robust-conv5-generator" in out and "tiny/robust-encoder" in err
    assert _status(["doctor"]) == 0
    assert "tiny/robust-encoder damaged" in capsys.readouterr().out


def test_files_without_cards_and_cards_without_files(shelf, capsys, monkeypatch):
    assert _status(["models"]) == 0
    assert capsys.readouterr().out.count("without a card: arae models --write") == 3
    _status(["models", "--write"])
    (shelf / "robust-encoder.safetensors").unlink()
    path = shelf / "robust-conv1-generator.yaml"
    path.write_text(path.read_text().replace("address: null", "address: s3://b/x"))
    path.with_suffix(".safetensors").unlink()
    assert _status(["models"]) == 0
    said = capsys.readouterr().out
    assert "not here, no address" in said and "s3://b/x" in said
    assert _status(["models", "--write"]) == 0  # the generator's encoder is known by its card
    assert (shelf / "robust-encoder.yaml").is_file()
    monkeypatch.setenv("ARAE_MODELS", "https://example.org/m")
    assert _status(["models"]) == 0 and "https://example.org/m" in capsys.readouterr().out
    assert _status(["doctor"]) == 0 and "1 here, as their cards say; 2 known by card alone" in capsys.readouterr().out


def test_the_page(shelf, small_book):
    assert generated(small_book, [])["book/_generated/models.md"] == "There are no models.\n"
    _status(["models", "--write"])
    page = generated(small_book, [])["book/_generated/models.md"]
    assert page.count(":::{dropdown}") == 3 and "| tiny/robust-encoder | AlexNet" in page and "value: 0.75" in page


def test_a_record_that_is_gone(shelf, capsys):
    _status(["models", "--write"])
    next((shelf.parent / "records").glob("inversion*")).unlink()
    assert _status(["models"]) == 1
    assert "arae models --write" in capsys.readouterr().err


@pytest.mark.parametrize("change", [dict(eps=1.0), dict(width=0.5), dict(epochs=3),
                                    dict(generator_epochs=9, layer_epochs=9)])
def test_records_of_other_parameters_measure_nothing(shelf, change):
    for path in (shelf.parent / "records").glob("*.json"):
        content = json.loads(path.read_text())
        content["parameters"] |= change
        path.write_text(json.dumps(content))
    name = "robust-conv5-generator" if "generator_epochs" in change else "robust-encoder"
    card = card_of(shelf / f"{name}.safetensors")
    assert card.record is None and card.measures == []
    assert card_of(shelf / "robust-conv5-generator.safetensors").record is None


def test_files_that_get_no_card(shelf, encoder):
    recipe = ClassifierConfig(epochs=2)
    save(shelf / "whatever.safetensors", encoder, "classifier-1", recipe)
    with pytest.raises(CardError, match="whatever.safetensors gets no card: an encoder's file is called"):
        card_of(shelf / "whatever.safetensors")
    save(shelf / "a-encoder.safetensors", encoder, "dcgan-1", recipe)
    with pytest.raises(CardError, match="it holds a dcgan"):
        card_of(shelf / "a-encoder.safetensors")
    safefile.save(shelf / "b-encoder.safetensors", encoder.state_dict(), {})
    with pytest.raises(CardError, match="does not say how it was trained"):
        card_of(shelf / "b-encoder.safetensors")
    other = shelf / "odd-conv5-generator.safetensors"
    other.write_bytes((shelf / "robust-conv5-generator.safetensors").read_bytes())
    with pytest.raises(CardError, match="odd-encoder.safetensors, has neither a file nor a card"):
        card_of(other)


def test_a_card_that_cannot_be_read(shelf, capsys):
    (shelf / "robust-encoder.yaml").write_text("colour: red\n")
    assert _status(["models"]) == 1
    assert f"{shelf / 'robust-encoder.yaml'} is no model card" in capsys.readouterr().err
