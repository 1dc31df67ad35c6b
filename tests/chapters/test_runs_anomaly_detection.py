"""The chapter on anomaly detection executed: quickly, and two steps of the paper's own set-ups."""

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("own_store")
METHODS = ("standard", "robust", "adgan", "standard-one-pass", "robust-one-pass")
TWO_STEPS = {"batch_size": 4, "epochs": 1, "class_batch_size": 4, "class_epochs": 1, "adgan_batch_size": 4,
             "adgan_epochs": 1, "adgan_steps": 2, "adgan_starts": 2, "search_steps": 2, "search_batch_size": 4,
             "one_by_one": 2, "resamples": 20}


def noise(path, rng, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).resize(size).save(path)


def test_smoke(execute, tmp_path):
    (record,) = execute("anomaly_detection", "smoke", {}, tmp_path / "out")
    value = {name: summary["value"] for name, summary in record.metrics.items()}
    for method in METHODS:
        areas = [value[f"auroc/{method}/{name}"] for name in ("chelsea", "flower")]
        assert value[f"auroc/{method}/mean"] == pytest.approx(sum(areas) / 2)
        for name in ("chelsea", "flower", "mean"):
            low, area, high = (value[f"{metric}/{method}/{name}"] for metric in ("auroc_low", "auroc", "auroc_high"))
            assert 0 <= low <= area <= high <= 1 and high - low > 0.02
        assert value[f"milliseconds/{method}"] > 0
    # the cat's few colours set it apart from everything else, however little was learnt
    assert min(value[f"auroc/{method}/chelsea"] for method in METHODS) > 0.6
    assert value["search_speedup/batched"] > 1


def test_two_steps_of_the_papers_cifar10(execute, tmp_path, imagenet_like, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("cat", "frog", "ship"):
        for split, count in (("train", 8), ("test", 3)):
            for i in range(count):
                noise(tmp_path / "data" / "cifar10" / split / name / f"{i}.png", rng, (32, 32))
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))
    changes = {"dataset": imagenet_like, "classes": "[frog]", **TWO_STEPS}  # unchanged but for these
    (record,) = execute("anomaly_detection", "paper", changes, tmp_path / "out")
    assert record.parameters["reduction"] == "sum" and record.parameters["search_lr"] == 0.1
    assert record.data["name"] == "cifar10" and "32 px scaled to 224" in record.data["notes"]
    assert {f"auroc/{method}/frog" for method in METHODS} <= record.metrics.keys()


def test_two_steps_of_the_papers_cats_and_dogs(execute, tmp_path, imagenet_like, monkeypatch):
    rng, base = np.random.default_rng(0), tmp_path / "data" / "oxford-iiit-pet"
    for split, count in (("trainval", 4), ("test", 2)):
        rows = [(f"{name}_{split}{i}", kind) for kind, name in ((1, "Bengal"), (2, "pug")) for i in range(count)]
        for name, _ in rows:
            noise(base / "images" / f"{name}.jpg", rng, (90, 70))
        (base / "annotations").mkdir(exist_ok=True)
        (base / "annotations" / f"{split}.txt").write_text("".join(f"{name} {k} {k} 1\n" for name, k in rows))
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))
    changes = {"dataset": imagenet_like, "classes": "[cat]", **TWO_STEPS}
    (record,) = execute("anomaly_detection", "paper-cats-dogs", changes, tmp_path / "out")
    assert record.data["name"] == "oxford-pets" and record.parameters["adgan_size"] == 64
    assert {f"auroc/{method}/cat" for method in METHODS} <= record.metrics.keys()
