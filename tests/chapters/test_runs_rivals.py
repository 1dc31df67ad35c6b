"""The chapter on rivals executed: quickly (smoke), and two steps of the papers' own set-up."""

import pytest

pytestmark = pytest.mark.usefixtures("own_store")
METHODS = ("ours", "standard", "ri", "mv", "db", "deepsim", "deepsim-standard")


def test_smoke_rivals(execute, tmp_path):
    records = {record.chapter: record for record in execute("rivals", "smoke", {}, tmp_path / "out")}
    record, searched = records["rivals"], records["rivals_search"]
    measured = {name: summary["value"] for name, summary in record.metrics.items()}
    for metric in ("psnr", "ssim", "image_error", "feature_error", "parameters", "gflop", "milliseconds"):
        assert {f"{metric}/{method}" for method in METHODS} <= measured.keys()
    for method in ("ri", "mv"):  # no training in them, so they work at this scale too
        assert measured[f"feature_drop/{method}"] > 2
        assert measured[f"gflop/{method}"] > 20 * measured["gflop/ours"]
        assert [name for name in measured if name.startswith(f"search_psnr/{method}/")]
    # the best constant colour for each image would be at about 15 dB on these crops
    assert measured["psnr/ours"] > 13 and 0 < measured["image_error/ours"] < 1
    assert len(searched.metrics) == 3 and ("lpips" in record.left_out) != ("lpips/ours" in measured)


def test_two_steps_of_the_papers_rivals(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "test_images": 4, "batch_size": 4, "epochs": 1,  # unchanged but for these
               "generator_batch_size": 4, "generator_epochs": 1, "deepsim_batch_size": 4, "deepsim_epochs": 1,
               "search_images": 2, "search_keep": 1, "ri_steps": "[1.0]", "ri_iterations": "[1, 2]",
               "mv_steps": "[10.0]", "mv_tv_weights": "[10.0]", "mv_iterations": "[1, 2]"}
    (record,) = execute("rivals", "paper", changes, tmp_path / "out")
    assert record.parameters["reduction"] == "sum" and record.parameters["deepsim_lr"] == 2e-4
    assert record.metrics["parameters/ours"]["value"] == 4_753_370
    assert record.metrics["parameters/deepsim"]["value"] == 12_702_307
    assert {f"psnr/{method}" for method in METHODS} <= record.metrics.keys()
