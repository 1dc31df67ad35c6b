"""The robustness sweep executed: quickly, and two steps of the paper's own set-up."""

import pytest

from arae_book import profiles
from arae_book.chapters import find_chapter, find_root
from arae_book.train import train
from arae_core.training import trained

pytestmark = pytest.mark.usefixtures("own_store")


def test_smoke(execute, tmp_path):
    records = execute("robustness_sweep", "smoke", {}, tmp_path / "out")
    points = {record.point.get("eps"): record for record in records}
    assert sorted(points, key=str) == [0.0, 1.0, 2.0, None]
    for eps in (1.0, 2.0):
        psnr = {name: points[eps].metrics[f"psnr/{name}/pixel+feature"]["value"] for name in ("standard", "robust")}
        assert min(psnr.values()) > 13  # the best constant colour for each image would be at about 15 dB
        assert psnr["standard"] == points[0.0].metrics["psnr/standard/pixel+feature"]["value"]
        moved = {name: points[eps].metrics[f"sensitivity/{name}/conv5"]["value"] for name in ("standard", "robust")}
        assert moved["robust"] < moved["standard"]
    assert -1 <= points[None].metrics["trend/robust/psnr"]["value"] <= 1
    assert points[None].metrics["peak/robust/psnr"]["value"] in (0.0, 1.0, 2.0)


def test_two_steps_of_the_papers_sweep(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "generator_batch_size": 4, "epochs": 1,
               "generator_epochs": 1, "radii": "[0.0, 3.0, 4.0]", "test_steps": 1, "autoattack_parts": "[apgd-ce]",
               "autoattack_images": 2}
    records = execute("robustness_sweep", "paper", changes, tmp_path / "out")
    (at_three,) = [record for record in records if record.point.get("eps") == 3.0]
    assert at_three.parameters["attack_steps"] == 7 and at_three.parameters["loss_set"] == "pixel+feature+gan"
    assert {"psnr/robust/pixel+feature+gan", "accuracy/robust/apgd-ce"} <= at_three.metrics.keys()


def test_another_start_is_another_model(tmp_path):
    """The network trains from both starts, and the key of its model says from which."""
    tiny = {"radii": "[0.0]", "epochs": 1, "train_images": 64, "test_images": 10, "generator_epochs": 1, "width": 0.1}
    models = []
    with trained.listening(models.append):
        for network in ("alexnet", "alexnet, kaiming start"):
            given = [(name, str(value)) for name, value in (tiny | {"network": network}).items()]
            train(find_chapter(find_root(), "robustness_sweep"), profiles.asked("robustness_sweep", "smoke", given), str)
    assert [model.title for model in models] == 2 * ["eps 0", "eps 0 conv5 pixel+feature"]
    assert len({model.key for model in models}) == 4
    assert [model.model.arguments["start"] for model in models[::2]] == ["torch", "kaiming"]
