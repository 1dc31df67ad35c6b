"""AlexNet: the layer plan of torchvision and of paper A at 224 pixels, ours at 32 and 64."""

import pytest
import torch
import torchvision

from arae_core.networks import AlexNet


def test_torchvision_weights_give_torchvision_logits():
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(num_classes=12).eval()
    for parameter in theirs.parameters():  # larger than its initialisation, so that a mistake would show
        parameter.data.mul_(2)
    ours = AlexNet(224, num_classes=12).eval()
    given = theirs.state_dict()
    assert ours.load_state_dict(given, strict=True).missing_keys == []
    assert list(given) == list(theirs.state_dict())  # the caller's dictionary is left alone
    x = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs((x - ours.mean) / ours.std), rtol=1e-4, atol=1e-4)
        z = theirs.features((x - ours.mean) / ours.std)
        torch.testing.assert_close(ours.features(x, "conv5"), z, rtol=1e-4, atol=1e-4)
    ours.load_state_dict(ours.state_dict(), strict=True)  # its own loads too; a foreign key is an error
    foreign = ours.state_dict() | {"features.99.weight": torch.zeros(1)}
    pytest.raises(RuntimeError, ours.load_state_dict, foreign).match("features.99")


def test_parameters_at_224():
    with torch.device("meta"):
        stages = AlexNet().stages
    counts = {name: sum(p.numel() for p in stage.parameters()) for name, stage in stages.items()}
    assert sum(counts[f"conv{n}"] for n in range(1, 6)) == 2_469_696 and sum(counts.values()) == 61_100_840


@pytest.mark.parametrize("size, width, shapes", [
    (224, 1.0, [(64, 27, 27), (192, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6), (4096,), (4096,)]),
    (64, 1.0, [(96, 16, 16), (192, 8, 8), (384, 8, 8), (256, 8, 8), (256, 4, 4), (1024,), (1024,)]),
    (32, 1.0, [(96, 8, 8), (192, 4, 4), (384, 4, 4), (256, 4, 4), (256, 2, 2), (1024,), (1024,)]),
    (32, 0.5, [(48, 8, 8), (96, 4, 4), (192, 4, 4), (128, 4, 4), (128, 2, 2), (512,), (512,)]),
])
def test_shapes(size, width, shapes):
    with torch.device("meta"):
        encoder = AlexNet(size, 10, width)
    assert encoder.layers == ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "logits")
    assert [encoder.feature_shape(layer) for layer in encoder.layers] == [*shapes, (10,)]


def test_features_come_after_the_relu_and_the_small_forms_have_no_dropout():
    encoder, x = AlexNet(32, 10, 0.25).train(), torch.rand(4, 3, 32, 32)
    assert min(encoder.features(x, layer).min() for layer in encoder.layers[:-1]) >= 0 > encoder(x).min()
    assert torch.equal(encoder(x), encoder(x))
