"""The committed reference runs: complete, of today's parameters, and saying what the chapters say of them."""

from statistics import mean

import pytest
import torch

from arae_book import settings
from arae_book.chapters import all_chapters, find_root
from arae_core.data import photos
from arae_core.metrics import reconstruction
from arae_core.networks import Autoencoder
from arae_core.results import EXTENT, read_all, reference, reference_grid, reference_points, reference_table
from arae_core.training import CheckpointError, reference_model

ROOT = find_root()
REFERENCE = ROOT / "book" / "reference"


def gaps(records, metric, condition):
    return [r.metrics[f"{metric}/robust/{condition}"]["value"] - r.metrics[f"{metric}/standard/{condition}"]["value"]
            for r in records]


CHAPTERS = all_chapters(ROOT)
COMMITTED = sorted({(record.profile, record.chapter) for path in REFERENCE.glob("*/records")
                    for record in read_all(path) if record.chapter in CHAPTERS})


@pytest.mark.parametrize("profile, chapter", COMMITTED)
def test_records_are_of_the_parameters_that_the_chapter_has_now(profile, chapter):
    now = settings(chapter, profile)
    records = reference(chapter, profile)
    assert len({(r.seed, str(r.point)) for r in records}) == len(records)
    for record in records:
        assert set(now.differs(record.parameters)) <= EXTENT | {"seed"}, f"{chapter} {profile} seed {record.seed}: run it again"


def test_every_chapter_has_records_of_its_default_run():
    seeds = {chapter: {record.seed for record in reference(chapter, "default")} for chapter in CHAPTERS}
    assert {chapter for chapter, its in seeds.items() if 0 not in its} == set()
    assert all(seeds[chapter] == {0, 1, 2} for chapter in ("robust_training", "inversion", "robustness_sweep"))


@pytest.mark.parametrize("profile", ["default", "cifar10"])
def test_robust_features_are_inverted_better_and_both_encoders_classify_better_than_chance(profile):
    records = reference("inversion", profile)
    assert sorted(r.seed for r in records) == [0, 1, 2]
    assert mean(gaps(records, "psnr", "pixel+feature")) >= 1.5
    assert min(gaps(records, "psnr", "pixel+feature")) > 0 and min(gaps(records, "ssim", "pixel+feature")) > 0

    for record in reference("robust_training", profile):
        for encoder in ("standard", "robust"):
            assert record.metrics[f"accuracy/{encoder}/clean"]["value"] >= 0.3


def test_the_sweep_every_radius_from_a_half_on_beats_the_standard_encoder():
    points = reference_points("robustness_sweep", "default", "eps")
    for eps in (0.5, 1.0, 2.0):
        at = [record for record in points if record.point["eps"] == eps]
        assert len(at) == 3 and mean(gaps(at, "psnr", "pixel+feature")) > 1
        assert min(gaps(at, "psnr", "pixel+feature")) > 0


def test_the_start_that_keeps_signals_alive_takes_most_of_the_gap_away():
    """What the sweep's chapter says of Kaiming's start, and why: features that use more directions."""
    gap, used = {}, {}
    for profile in ("default", "kaiming"):
        at = [r for r in reference_points("robustness_sweep", profile, "eps") if r.point["eps"] == 1.0]
        gap[profile] = mean(gaps(at, "psnr", "pixel+feature"))
        used[profile] = mean(r.metrics["dimensions/standard/conv5"]["value"] for r in at)
    assert gap["kaiming"] < gap["default"] / 2 and used["kaiming"] > 1.5 * used["default"]


def test_a_table_of_points_or_how_to_make_it_and_cifar10_is_called_what_it_is():
    text = str(reference_grid("robustness_sweep", "default", ["eps"], ["psnr/robust/pixel+feature"], without=[0.0]))
    assert [line.split("|")[1].strip() for line in text.splitlines()[2:6]] == ["0.25", "0.5", "1", "2"]
    assert "arae run robustness_sweep --profile paper" in str(reference_grid("robustness_sweep", "paper", ["eps"]))
    assert "JPEG copies" in str(reference_table("inversion", "cifar10", ["psnr"]))


def test_committed_pair_draws_pictures_it_has_never_seen():
    """Crops of the photographs, by networks trained on CIFAR-10: the robust pair is ahead there too."""
    psnr = {}
    for name in ("standard", "robust"):
        f, g = (reference_model("cifar10", f"{name}-{part}") for part in ("encoder", "conv5-generator"))
        torch.manual_seed(0)
        autoencoder = Autoencoder(f, g, "conv5")
        psnr[name] = reconstruction(autoencoder.reconstruct, photos("test", count=200).batches(100))["psnr"].mean()
    assert psnr["robust"] > psnr["standard"] + 0.5 and psnr["robust"] > 15
    pytest.raises(CheckpointError, reference_model, "cifar10", "rubust-encoder").match("robust-encoder")
