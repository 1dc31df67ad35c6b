"""What holds for every encoder: named layers, shapes, gradients, normalisation inside, clear errors."""

import pytest
import torch
from torch import nn

from arae_core.networks import VGG16, AlexNet, Encoder, ResNet18, WideResNet28_10, frozen
from arae_core.networks.encoder import CIFAR10_MEAN, CIFAR10_STD, IMAGENET_MEAN
from arae_core.networks.residual import BasicBlock, PreActivationBlock
from tests.tiny import ENCODERS, built, untouched


@pytest.fixture(params=ENCODERS, scope="module")
def encoder(request):
    return built(ENCODERS[request.param]).eval()


def test_every_layer(encoder):
    x = torch.rand(2, 3, encoder.image_size, encoder.image_size)
    for layer in encoder.layers:
        x.requires_grad_(True).grad = None
        z = encoder.features(x, layer)
        assert tuple(z.shape) == (2, *encoder.feature_shape(layer)) and z.isfinite().all()
        z.square().sum().backward()
        assert x.grad.isfinite().all() and x.grad.abs().max() > 0, layer


def test_layers_are_the_stages_in_order_the_last_the_logits(encoder):
    x, there = torch.rand(2, 3, encoder.image_size, encoder.image_size), "conv9.*" + ", ".join(encoder.layers)
    assert encoder.layers[-1] == "logits" and encoder.feature_shape("logits") == (encoder.num_classes,)
    assert torch.equal(encoder(x), encoder.features(x, "logits"))
    for before, after in zip(encoder.layers, encoder.layers[1:], strict=False):
        assert torch.equal(encoder.stages[after](encoder.features(x, before)), encoder.features(x, after))
    pytest.raises(ValueError, encoder.features, x, "conv9").match(there)
    pytest.raises(ValueError, encoder.feature_shape, "conv9").match(there)


def test_wrong_shapes_types_widths_and_sizes_are_refused():
    for shape in ((3, 32, 32), (2, 1, 32, 32), (2, 32, 32, 3)):
        pytest.raises(ValueError, AlexNet(32, 10, 0.25), torch.rand(shape)).match(r"\(B, 3, H, W\)")
    for x in (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), [[0.5]]):
        pytest.raises(TypeError, AlexNet(32, 10, 0.25), x).match("float images")
    for width in (0, -1, float("nan"), float("inf")):
        pytest.raises(ValueError, ResNet18, width=width).match("width")
    sizes = {AlexNet: (28, 33, 48), ResNet18: (36,), WideResNet28_10: (30, 33), VGG16: (33, 48)}
    for model, size in ((model, size) for model in sizes for size in sizes[model]):
        said = pytest.raises(ValueError, model, size)
        said.match("32, 64 or 224" if model is AlexNet else "multiple")
        said.match(str(size))


def test_normalisation_is_inside_comes_first_and_follows_the_size_or_the_arguments():
    identity = Encoder([("logits", nn.Identity())], image_size=32, num_classes=3)
    mean, std = torch.tensor(CIFAR10_MEAN), torch.tensor(CIFAR10_STD)
    blank = mean.view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert identity(blank).abs().max() == 0
    one_std_up = (mean + std).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    torch.testing.assert_close(identity(one_std_up), torch.ones(1, 3, 32, 32))
    assert torch.equal(AlexNet(32, 10, 0.1).mean.flatten(), torch.tensor(CIFAR10_MEAN))
    assert torch.equal(AlexNet(64, 10, 0.1).mean.flatten(), torch.tensor(IMAGENET_MEAN))
    own = AlexNet(32, 10, 0.1, mean=(0.1, 0.2, 0.3), std=(1, 1, 1))
    assert torch.equal(own.mean.flatten(), torch.tensor((0.1, 0.2, 0.3)))
    assert own.std.is_floating_point()
    assert not {"mean", "std"} & set(own.state_dict())


def test_modes_come_back_after_feature_shape_and_after_an_error():
    encoder = ResNet18(width=0.125).train()
    encoder.stages["stem"].eval()
    with untouched(encoder):
        encoder.feature_shape("block4")
    model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    with pytest.raises(RuntimeError), frozen(model):
        assert not any(module.training for module in model.modules())
        raise RuntimeError
    assert [module.training for module in model.modules()] == [True, True, False]


@pytest.mark.parametrize("model, layers, parameters, shapes", [
    (ResNet18, "stem block1 block2 block3 block4 logits", 11_173_962, {"block3": (256, 8, 8), "block4": (512, 4, 4)}),
    (WideResNet28_10, "stem block1 block2 block3 logits", 36_479_194, {"block3": (640, 8, 8)}),
    (VGG16, "block1 block2 block3 block4 block5 logits", 14_796_495, {"block5": (512, 2, 2)}),
])
def test_layers_parameters_and_shapes_at_full_width(model, layers, parameters, shapes):
    with torch.device("meta"):
        encoder = model()
    assert encoder.layers == tuple(layers.split())
    assert sum(p.numel() for p in encoder.parameters()) == parameters
    assert {layer: encoder.feature_shape(layer) for layer in shapes} == shapes


def test_the_third_group_of_the_wide_net_is_what_its_classifier_pools():
    encoder = WideResNet28_10(width=0.05).eval()
    x = torch.rand(2, 3, 32, 32)
    z = encoder.features(x, "block3")
    assert z.min() >= 0 > encoder.features(x, "block2").min()
    linear = encoder.stages["logits"][-1]
    torch.testing.assert_close(encoder(x), linear(z.mean((2, 3))))


@pytest.mark.parametrize("block", [BasicBlock, PreActivationBlock])
def test_the_input_passes_around_silent_convolutions(block):
    same, changed = block(4, 4).eval(), block(4, 6, stride=2).eval()
    z = torch.rand(2, 4, 8, 8)
    for module in (same, changed):
        torch.nn.init.zeros_(module.conv2.weight)
    torch.testing.assert_close(same(z), z)
    assert changed(z).shape == (2, 6, 4, 4) and changed(z).abs().max() > 0
