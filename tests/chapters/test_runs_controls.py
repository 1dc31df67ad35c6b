"""The controls executed, quickly: what the records hold, and what no training can change in them."""

import pytest

pytestmark = pytest.mark.usefixtures("own_store")

NAMES = ("standard", "noise", "robust", "stopped", "untrained")


def test_smoke(execute, tmp_path):
    records = execute("controls", "smoke", {}, tmp_path / "out")
    assert sorted(record.point["start"] for record in records) == ["kaiming", "torch"]
    for record in records:
        measured = {name: summary["value"] for name, summary in record.metrics.items()}
        for decoder in ("readout", "generator"):
            psnr = {name: measured[f"psnr/{name}/conv5.{decoder}"] for name in NAMES}
            assert min(psnr.values()) > measured["psnr/training-mean"], decoder  # else the features say nothing
            assert all(measured[f"worth/{name}/conv5.{decoder}"] >= 1 for name in NAMES)
        assert "psnr/robust/conv5.longer" in measured and "psnr/standard/conv5.longer" not in measured
        assert measured["accuracy/untrained/clean"] < 0.3 < measured["accuracy/standard/clean"]
        assert measured["psnr/flat-colour"] < measured["psnr/means-2x2"] < measured["psnr/means-4x4"]
    torch, kaiming = sorted(records, key=lambda record: record.point["start"], reverse=True)
    assert torch.metrics["psnr/flat-colour"] == kaiming.metrics["psnr/flat-colour"]
    untrained = [record.metrics["psnr/untrained/conv5.readout"] for record in records]
    assert untrained[0] != untrained[1]  # two starts
