"""The chapter on unseen resolutions executed: quickly, and two steps of the paper's own set-up."""

import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("own_store")


def test_smoke(execute, tmp_path):
    (tmp_path / "Set").mkdir()
    Image.linear_gradient("L").resize((97, 61)).save(tmp_path / "Set" / "one.png")  # fewer pictures than a batch
    pictures = f"[{tmp_path / 'Set'}]"
    (record,) = execute("unseen_resolutions", "smoke", {"pictures": pictures}, tmp_path / "out")
    value = {name: summary["value"] for name, summary in record.metrics.items()}
    for encoder in ("standard", "robust"):
        assert value[f"psnr/{encoder}/x1"] == pytest.approx(value[f"psnr/{encoder}/x1-in-patches"], abs=1e-3)
        assert value[f"psnr/{encoder}/conv2-x3"] > value[f"psnr/{encoder}/conv2-x1"] > 13
        assert -1 <= value[f"trend/{encoder}/psnr"] <= 1
        assert record.metrics[f"psnr/{encoder}/set"]["n"] == record.metrics[f"ssim/{encoder}/conv2-set"]["n"] == 1
        by_factor = [value[f"psnr/{encoder}/x{factor}"] for factor in record.parameters["factors"]]
        assert value[f"psnr/{encoder}/upscaled"] == pytest.approx(sum(by_factor) / len(by_factor))
    assert ("lpips" in record.left_out) != any(name.startswith("lpips") for name in record.metrics)


def test_two_steps_of_the_papers_autoencoders(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "generator_batch_size": 4, "epochs": 1,
               "generator_epochs": 1, "layers": "[conv5]", "test_images": 1, "factors": "[1, 2, 3]",
               "layer_factors": "[1, 2]", "pictures": "[photographs]", "longest_side": 100}
    (record,) = execute("unseen_resolutions", "paper", changes, tmp_path / "out")
    assert record.parameters["reduction"] == "sum" and record.parameters["paper_generators"] is True
    assert {"psnr/robust/x3", "ssim/standard/x3", "psnr/robust/photographs"} <= record.metrics.keys()
