"""The chapter on denoising executed: quickly (smoke), and two steps of the paper's own set-up."""

import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("own_store")
METHODS = ("noisy", "standard", "robust", "robust-no-skips", "nlm", "tv", "wavelet")


def test_smoke_denoising(execute, tmp_path):
    (tmp_path / "Set").mkdir()
    Image.linear_gradient("L").resize((97, 61)).save(tmp_path / "Set" / "one.png")
    changes = {"pictures": f"[photographs, {tmp_path / 'Set'}]"}
    records = {record.chapter: record for record in execute("denoising", "smoke", changes, tmp_path / "out")}
    record, tried = records["denoising"], records["denoising_attempts"]
    value = {name: summary["value"] for name, summary in record.metrics.items()}
    for where in ("crops", "photographs", "Set", "sigma-25", "sigma-50"):
        assert {f"{metric}/{method}/{where}" for metric in ("psnr", "ssim") for method in METHODS} <= value.keys()
    assert record.metrics["psnr/robust/photographs"]["n"] == 2 and record.metrics["psnr/nlm/Set"]["n"] == 1
    assert 14.5 < value["psnr/noisy/crops"] < 16.5 and value["psnr/noisy/sigma-25"] > 20
    # even this little training denoises crops
    assert value["psnr/robust/crops"] > value["psnr/noisy/crops"] + 2
    assert value["psnr/tv/crops"] > value["psnr/noisy/crops"] + 4
    assert len(tried.metrics) == 3 and ("lpips" in record.left_out) != ("lpips/robust/crops" in value)


def test_two_steps_of_the_papers_denoiser(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "test_images": 2, "batch_size": 4, "epochs": 1,  # unchanged but for these
               "denoiser_batch_size": 4, "denoiser_epochs": 1, "strengths": "[0.8, 1.0]", "levels": "[50]",
               "pictures": "[photographs]"}
    (record,) = execute("denoising", "paper", changes, tmp_path / "out")
    assert record.parameters["reduction"] == "sum" and record.parameters["spectral_norm"] is True
    assert record.parameters["pixel_weight"] == 0.002 and record.parameters["feature_weight"] == 0.01
    assert {f"psnr/{method}/photographs" for method in METHODS} <= record.metrics.keys()
