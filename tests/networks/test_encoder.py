"""What holds for every encoder: named layers, shapes, gradients, normalisation inside, clear errors."""

import pytest
import torch
from torch import nn

from arae_core.networks import VGG16, AlexNet, Encoder, ResNet18, WideResNet28_10, frozen
from arae_core.networks.encoder import CIFAR10_MEAN, CIFAR10_STD, IMAGENET_MEAN

SMALL = {
    "alexnet-224": lambda: AlexNet(224, 10, 0.125),
    "alexnet-64": lambda: AlexNet(64, 10, 0.25),
    "alexnet-32": lambda: AlexNet(32, 10, 0.25),
    "resnet18": lambda: ResNet18(width=0.125),
    "wrn-28-10": lambda: WideResNet28_10(width=0.05),
    "vgg16": lambda: VGG16(width=0.125),
}


@pytest.fixture(params=SMALL, scope="module")
def encoder(request):
    torch.manual_seed(0)
    return SMALL[request.param]().eval()


def test_every_layer(encoder):
    x = torch.rand(2, 3, encoder.image_size, encoder.image_size)
    for layer in encoder.layers:
        x.requires_grad_(True).grad = None
        z = encoder.features(x, layer)
        assert tuple(z.shape) == (2, *encoder.feature_shape(layer))
        assert z.isfinite().all()
        z.square().sum().backward()
        assert x.grad.isfinite().all() and x.grad.abs().max() > 0, layer


def test_the_last_layer_is_the_logits(encoder):
    x = torch.rand(2, 3, encoder.image_size, encoder.image_size)
    assert encoder.layers[-1] == "logits"
    assert encoder.feature_shape("logits") == (encoder.num_classes,)
    assert torch.equal(encoder(x), encoder.features(x, "logits"))


def test_features_are_the_stages_in_order(encoder):
    x = torch.rand(1, 3, encoder.image_size, encoder.image_size)
    for before, after in zip(encoder.layers, encoder.layers[1:], strict=False):
        z = encoder.features(x, before)
        assert torch.equal(encoder.stages[after](z), encoder.features(x, after))


def test_an_unknown_layer_is_answered_with_those_there_are(encoder):
    x = torch.rand(1, 3, encoder.image_size, encoder.image_size)
    for attempt in (lambda: encoder.features(x, "conv9"), lambda: encoder.feature_shape("conv9")):
        pytest.raises(ValueError, attempt).match("conv9.*" + ", ".join(encoder.layers))


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 1, 32, 32), (2, 32, 32, 3)])
def test_a_wrong_shape_is_refused(shape):
    pytest.raises(ValueError, AlexNet(32, 10, 0.25), torch.rand(shape)).match(r"\(B, 3, H, W\)")


@pytest.mark.parametrize("x", [torch.zeros(1, 3, 32, 32, dtype=torch.uint8), [[0.5]]])
def test_a_wrong_type_is_refused(x):
    pytest.raises(TypeError, AlexNet(32, 10, 0.25), x).match("float images")


@pytest.mark.parametrize("width", [0, -1, float("nan"), float("inf")])
def test_a_wrong_width_is_refused(width):
    pytest.raises(ValueError, ResNet18, width=width).match("width")


@pytest.mark.parametrize("model, size", [(ResNet18, 36), (WideResNet28_10, 30), (VGG16, 48)])
def test_a_wrong_image_size_is_refused(model, size):
    pytest.raises(ValueError, model, size).match("multiple")


def test_normalisation_is_inside_and_comes_first():
    identity = Encoder([("logits", nn.Identity())], image_size=32, num_classes=3)
    mean, std = torch.tensor(CIFAR10_MEAN), torch.tensor(CIFAR10_STD)
    blank = mean.view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert identity(blank).abs().max() == 0
    one_std_up = (mean + std).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    torch.testing.assert_close(identity(one_std_up), torch.ones(1, 3, 32, 32))


def test_mean_and_std_follow_the_size_or_the_arguments_and_are_not_saved():
    assert torch.equal(AlexNet(32, 10, 0.1).mean.flatten(), torch.tensor(CIFAR10_MEAN))
    assert torch.equal(AlexNet(64, 10, 0.1).mean.flatten(), torch.tensor(IMAGENET_MEAN))
    own = AlexNet(32, 10, 0.1, mean=(0.1, 0.2, 0.3), std=(1, 1, 1))
    assert torch.equal(own.mean.flatten(), torch.tensor((0.1, 0.2, 0.3)))
    assert own.std.is_floating_point()
    assert not {"mean", "std"} & set(own.state_dict())


def test_feature_shape_leaves_the_model_as_it_was():
    encoder = ResNet18(width=0.125).train()
    encoder.stages["stem"].eval()
    modes = [module.training for module in encoder.modules()]
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.feature_shape("block4")
    assert [module.training for module in encoder.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_modes_come_back_after_an_error():
    model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    with pytest.raises(RuntimeError), frozen(model):
        assert not any(module.training for module in model.modules())
        raise RuntimeError
    assert [module.training for module in model.modules()] == [True, True, False]
