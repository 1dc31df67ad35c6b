"""The chapter on style transfer executed: quickly (smoke), and two steps of the paper's own set-up."""

import pytest

pytestmark = pytest.mark.usefixtures("own_store")
JUDGES = ("gram_by_standard", "gram_by_robust")


def test_smoke_style_transfer(execute, tmp_path):
    (record,) = execute("style_transfer", "smoke", {}, tmp_path / "out")
    measured = {name: summary["value"] for name, summary in record.metrics.items()}
    assert record.metrics["ssim/robust"]["n"] == 4  # two contents in two styles
    for name in ("standard", "robust"):
        # a picture of the best constant colour would be at about 12 dB
        assert measured[f"psnr/{name}/conv1"] > 16 and measured[f"psnr/{name}/conv2"] > 14
        assert 0 < measured[f"ssim/{name}-shallow"] < 1
        for judge in JUDGES:
            assert measured[f"{judge}/{name}-shallow"] < 0.7 * measured[f"{judge}/content"]
    assert measured["ssim/content"] == pytest.approx(1)
    assert ("gram" in record.left_out) != ("gram/ust" in measured)


def test_two_steps_of_the_papers_style_transfer(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "generator_dataset": imagenet_like, "batch_size": 4, "epochs": 1,
               "shallow_batch_size": 4, "shallow_epochs": 1, "deep_batch_size": 4, "deep_epochs": 1,
               "contents": "[coffee]", "styles": "[brick]"}  # unchanged but for these
    (record,) = execute("style_transfer", "paper", changes, tmp_path / "out")
    assert record.parameters["paper_generators"] and record.parameters["generator_lr"] == 3e-4
    assert {f"psnr/{name}/{layer}" for name in ("standard", "robust") for layer in ("conv1", "conv2", "conv5")} \
        <= record.metrics.keys()
    assert "ssim/robust" in record.metrics
