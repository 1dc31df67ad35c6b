"""The committed models: each has a card that agrees with it, and what lies under `book/reference` is small."""

from __future__ import annotations

import pytest

from arae_core.publishing.chapters import find_root
from arae_core.publishing.models import models, models_page
from arae_core.results import card_of, record_of
from arae_core.training import ModelCard, model_cards

ROOT = find_root()
REFERENCE = ROOT / "book" / "reference"
WEIGHTS = sorted(REFERENCE.glob("*/models/*.safetensors"))
PICTURES = (".png", ".webp")


def test_there_are_models():
    assert {"robust-encoder", "standard-encoder"} <= {path.stem for path in WEIGHTS}


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_card_and_checkpoint_agree(path):
    card = ModelCard.read(path.with_suffix(".yaml"))
    assert card.fault(path) is None
    assert card_of(path) == card, "run: arae models --write"


def test_every_measure_is_in_its_record():
    for card in model_cards(REFERENCE):
        record = record_of(card, REFERENCE)
        assert record is None or record.profile == card.profile


def test_the_robust_pair_says_what_it_is():
    cards = {card.title: card for card in model_cards(REFERENCE)}
    robust, standard = cards["cifar10/robust-encoder"], cards["cifar10/standard-encoder"]
    assert (robust.norm, robust.eps, standard.norm, standard.eps) == ("l2", 0.5, None, None)
    assert robust.arguments == {"image_size": 32, "num_classes": 10, "width": 0.5} == standard.arguments
    assert robust.data["notes"] == "JPEG copies" and "CIFAR-10" in robust.licence
    assert set(robust.measures) == {f"accuracy/robust/{how}" for how in ("clean", "pgd", "autoattack")}
    generator = cards["cifar10/robust-conv5-generator"]
    assert (generator.encoder, generator.layer, generator.eps) == ("robust-encoder", "conv5", 0.5)
    assert generator.measures == ["psnr/robust/pixel+feature", "ssim/robust/pixel+feature"]


def test_only_weights_of_alexnet_and_its_generators_are_committed():
    cards = {card.title: card for card in model_cards(REFERENCE)}
    for its in models(ROOT):
        assert its.card is not None and not its.damaged, f"{its.title}: {its.where}"
        if its.where == "here":
            encoder = cards[f"{its.card.profile}/{its.card.encoder}"] if its.card.encoder else its.card
            assert encoder.architecture == "AlexNet", f"{its.title}: host it elsewhere, see CONTRIBUTING.md"


def test_what_is_committed_is_small():
    files = [path for path in REFERENCE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6
    pictures = [path for path in files if path.suffix not in (".json", ".yaml", ".safetensors")]
    assert {path.suffix for path in pictures} <= set(PICTURES)
    assert [path.name for path in pictures if path.stat().st_size >= 300 * 1024] == []


def test_the_committed_page_is_of_the_cards():
    assert (ROOT / "book/_generated/models.md").read_text() == models_page(ROOT), "run: arae refresh"
