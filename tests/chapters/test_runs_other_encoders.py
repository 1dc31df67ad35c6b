"""The chapter on other encoders, executed: quickly, and two steps of the papers' own set-ups."""

import pytest

pytestmark = pytest.mark.usefixtures("own_store")


def test_smoke(tmp_path, execute):
    (record,) = execute("other_encoders", "smoke", {}, tmp_path / "out")
    value = {name: summary["value"] for name, summary in record.metrics.items()}
    for network in ("vgg16", "wrn28"):
        for encoder in ("standard", "robust"):
            assert value[f"accuracy/{encoder}/{network}-pgd"] <= value[f"accuracy/{encoder}/{network}"]
            assert value[f"psnr/{encoder}/{network}"] > 10  # grey everywhere is at about 12 dB, noise at 8
            assert -1 < value[f"ssim/{encoder}/{network}"] < 1
        assert (tmp_path / "out" / "pictures" / f"other_encoders-{network}.png").is_file()
    assert record.data["name"] == "photos"


def test_two_steps_of_the_papers_encoders(tmp_path, execute, imagenet_like):
    """Both networks at full width and their attacks are unchanged. Changed are the data (pictures made up here, eight
    photographs' crops for CIFAR-10), the sizes of batches, the numbers of epochs, and what belongs to the evaluation."""
    changes = {"vgg_dataset": imagenet_like, "vgg_batch_size": 4, "vgg_epochs": 1,
               "wrn_dataset": "photos", "wrn_train_images": 8, "wrn_batch_size": 4, "wrn_epochs": 1,
               "generator_batch_size": 4, "generator_epochs": 1, "test_images": 4, "test_steps": 1, "probe_images": 1}
    (record,) = execute("other_encoders", "paper", changes, tmp_path / "out")
    used = record.parameters
    assert used["vgg_width"] == used["wrn_width"] == 1.0 and used["reduction"] == "sum" and used["spectral_norm"]
    assert (used["vgg_eps"], used["vgg_attack_steps"], used["vgg_random_start"]) == (0.01, 10, False)
    assert (used["wrn_eps"], used["wrn_attack_steps"], used["wrn_random_start"]) == (0.031, 10, True)
    assert {f"psnr/{encoder}/{network}" for encoder in ("standard", "robust") for network in ("vgg16", "wrn28")} \
        <= record.metrics.keys()
    assert record.metrics["accuracy/robust/wrn28-pgd"]["n"] == 4
