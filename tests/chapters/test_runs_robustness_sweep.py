"""The robustness sweep executed: quickly, and two steps of the paper's own set-up."""

import pytest

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
    assert (tmp_path / "out" / "pictures" / "robustness_sweep-dial.png").stat().st_size < 300 * 1024


def test_two_steps_of_the_papers_sweep(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "generator_batch_size": 4, "epochs": 1,
               "generator_epochs": 1, "radii": "[0.0, 3.0, 4.0]", "test_steps": 1, "autoattack_parts": "[apgd-ce]",
               "autoattack_images": 2}
    records = execute("robustness_sweep", "paper", changes, tmp_path / "out")
    (at_three,) = [record for record in records if record.point.get("eps") == 3.0]
    assert at_three.parameters["attack_steps"] == 7 and at_three.parameters["loss_set"] == "pixel+feature+gan"
    assert {"psnr/robust/pixel+feature+gan", "accuracy/robust/apgd-ce"} <= at_three.metrics.keys()
