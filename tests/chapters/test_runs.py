"""The chapters executed: quickly (smoke), and two steps of the papers' own set-up."""

import numpy as np
import pytest
from PIL import Image

from arae_core.publishing.chapters import find_chapter, find_root
from arae_core.publishing.execute import run
from arae_core.publishing.parameters import settings
from arae_core.results import read_all


def execute(chapter, profile, changes, out):
    found = find_chapter(find_root(), chapter)
    run(found, settings(found, profile, [(name, str(value)) for name, value in changes.items()]), out)
    (record,) = read_all(out / "records")
    return record


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))


def test_smoke_robust_training(tmp_path):
    record = execute("robust_training", "smoke", {}, tmp_path / "out")
    accuracy = {name: summary["value"] for name, summary in record.metrics.items() if name.startswith("accuracy")}
    assert len(accuracy) == 6 and record.profile == "smoke" and record.parameters["width"] == 0.25
    assert accuracy["accuracy/standard/clean"] > 0.15 and accuracy["accuracy/robust/clean"] > 0.15  # chance: 0.1
    for encoder in ("standard", "robust"):
        assert accuracy[f"accuracy/{encoder}/pgd"] <= accuracy[f"accuracy/{encoder}/clean"]
    assert (tmp_path / "out" / "pictures" / "robust_training-gradients.png").stat().st_size < 300 * 1024


def test_smoke_inversion(tmp_path):
    record = execute("inversion", "smoke", {}, tmp_path / "out")
    psnr = {name: summary["value"] for name, summary in record.metrics.items() if name.startswith("psnr")}
    for encoder in ("standard", "robust"):
        for condition in ("pixel", "pixel+feature", "pixel+feature+gan"):
            # the best constant colour for each image would be at about 15 dB on these crops
            assert psnr[f"psnr/{encoder}/{condition}"] > 13
        assert psnr[f"psnr/{encoder}/conv1"] > psnr[f"psnr/{encoder}/pixel"]
    assert ("lpips" in record.left_out) != any(name.startswith("lpips") for name in record.metrics)


@pytest.fixture(scope="module")
def imagenet_like(tmp_path_factory):
    """Two classes of four training and two test pictures, larger than 224 pixels, as ImageNet's folders are."""
    root, rng = tmp_path_factory.mktemp("imagenet"), np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for label in ("n01", "n02"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for i in range(count):
                noise = rng.integers(0, 255, (20, 24, 3), dtype=np.uint8)
                Image.fromarray(noise).resize((300, 260)).save(folder / f"{i}.jpg")
    return root


def test_two_steps_of_the_papers_classifier(tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "epochs": 1,  # the set-up is unchanged but for these;
               "test_steps": 1, "radii": "[0.0, 3.0]", "autoattack_parts": "[apgd-ce]"}  # the rest is evaluation
    record = execute("robust_training", "paper", changes, tmp_path / "out")
    assert record.parameters["eps"] == 3.0 and record.parameters["attack_steps"] == 7
    assert record.metrics["accuracy/robust/clean"]["n"] == 4


def test_two_steps_of_the_papers_inverter(tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "epochs": 1, "generator_epochs": 1, "layers": "[conv5]"}
    record = execute("inversion", "paper", changes, tmp_path / "out")
    assert record.parameters["reduction"] == "sum" and record.parameters["paper_generators"] is True
    assert {f"psnr/robust/{c}" for c in ("pixel", "pixel+feature", "pixel+feature+gan")} <= record.metrics.keys()
