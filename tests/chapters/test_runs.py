"""The first two chapters executed, quickly (smoke) and for two steps of the papers' own; what all refuse."""

import pytest

from arae_book import profiles
from arae_book.chapters import find_chapter, find_root
from arae_book.train import train

pytestmark = pytest.mark.usefixtures("own_store")


def test_smoke_robust_training(execute, tmp_path):
    (record,) = execute("robust_training", "smoke", {}, tmp_path / "out")
    accuracy = {name: summary["value"] for name, summary in record.metrics.items() if name.startswith("accuracy")}
    assert len(accuracy) == 6 and record.profile == "smoke" and record.parameters["width"] == 0.25
    assert accuracy["accuracy/standard/clean"] > 0.15 and accuracy["accuracy/robust/clean"] > 0.15  # chance: 0.1
    for encoder in ("standard", "robust"):
        assert accuracy[f"accuracy/{encoder}/pgd"] <= accuracy[f"accuracy/{encoder}/clean"]


def test_smoke_inversion(execute, tmp_path):
    (record,) = execute("inversion", "smoke", {}, tmp_path / "out")
    psnr = {name: summary["value"] for name, summary in record.metrics.items() if name.startswith("psnr")}
    for encoder in ("standard", "robust"):
        for condition in ("pixel", "pixel+feature", "pixel+feature+gan"):
            # the best constant colour for each image would be at about 15 dB on these crops
            assert psnr[f"psnr/{encoder}/{condition}"] > 13
        assert psnr[f"psnr/{encoder}/conv1"] > psnr[f"psnr/{encoder}/pixel"]
    assert ("lpips" in record.left_out) != any(name.startswith("lpips") for name in record.metrics)


def test_two_steps_of_the_papers_classifier(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "epochs": 1,  # the set-up is unchanged but for these;
               "test_steps": 1, "radii": "[0.0, 3.0]", "autoattack_parts": "[apgd-ce]",  # the rest is evaluation,
               "fast_methods": "[free-1]"}  # and no batch can be replayed more often than there are epochs
    (record,) = execute("robust_training", "paper", changes, tmp_path / "out")
    assert record.parameters["eps"] == 3.0 and record.parameters["attack_steps"] == 7
    assert record.metrics["accuracy/robust/clean"]["n"] == 4
    assert {"robust_accuracy/pgd-7", "robust_accuracy/free-1"} <= record.metrics.keys()


def test_two_steps_of_the_papers_inverter(execute, tmp_path, imagenet_like):
    changes = {"dataset": imagenet_like, "batch_size": 4, "epochs": 1, "generator_epochs": 1, "layers": "[conv5]"}
    (record,) = execute("inversion", "paper", changes, tmp_path / "out")
    assert record.parameters["reduction"] == "sum" and record.parameters["paper_generators"] is True
    assert {f"psnr/robust/{c}" for c in ("pixel", "pixel+feature", "pixel+feature+gan")} <= record.metrics.keys()


@pytest.mark.parametrize("chapter, change, said", [
    ("robust_training", ("fast_methods", "[free-3, free-9]"), "fast_methods of robust_training: there is no 'free-9'"),
    ("inversion", ("loss_sets", "[pixel+feature, gan]"), "loss_sets of inversion: there is no 'gan'"),
    ("inversion", ("loss_sets", "[pixel]"), "loss_sets must hold pixel"),
    ("inversion", ("layers", "[conv1, conv9]"), "layers of inversion: there is no 'conv9'"),
    ("inversion", ("dataset", "/no/such/folder"), "dataset of inversion: "),
    ("robustness_sweep", ("network", "vgg"), "network of robustness_sweep: there is no 'vgg'"),
    ("robustness_sweep", ("layer", "block3"), "layer of robustness_sweep: there is no 'block3'"),
    ("robustness_sweep", ("loss_set", "gan"), "loss_set of robustness_sweep: there is no 'gan'"),
    ("robustness_sweep", ("radii", "[1.0]"), "radii must hold 0.0"),
    ("other_encoders", ("vgg_layer", "block6"), "vgg_layer of other_encoders: there is no 'block6'"),
    ("anomaly_detection", ("classes", "[flower, frog]"), "classes of anomaly_detection: .*'frog'"),
    ("denoising", ("layer", "conv9"), "layer of denoising: there is no 'conv9'"),
    ("denoising", ("kept", "[chelsey]"), "kept of denoising: there is no 'chelsey'"),
    ("denoising", ("pictures", "[no-such-folder]"), "pictures of denoising: .*no-such-folder"),
    ("style_transfer", ("styles", "[brick, no-such-folder]"), "styles of style_transfer: .*no-such-folder")])
def test_what_cannot_be_is_refused_before_anything_is_trained(tmp_path, monkeypatch, chapter, change, said):
    told, _ = [], monkeypatch.setenv("ARAE_STORE", str(tmp_path))
    with pytest.raises((ValueError, RuntimeError), match=said):
        train(find_chapter(find_root(), chapter), profiles.asked(chapter, "smoke", [change]), told.append)
    assert told == [] and not [*tmp_path.rglob("*.safetensors")]
