"""A network is known by its tensors' names and shapes."""

import pytest

from arae_core.encoders import VGG16, AlexNet, ResNet18, WideResNet28_10
from arae_core.generators import alexnet_inverter, mirror
from arae_core.training.recognise import encoder_of, generator_of


def shapes(module):
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


@pytest.mark.parametrize("size, classes, width", [(32, 10, 0.5), (64, 7, 0.25), (32, 10, 0.3)])
def test_alexnet_tells_everything(size, classes, width):
    encoder, arguments = encoder_of(shapes(AlexNet(image_size=size, num_classes=classes, width=width)))
    assert type(encoder) is AlexNet and arguments == {"image_size": size, "num_classes": classes, "width": width}
    assert encoder.mean.flatten().tolist()[0] == pytest.approx(0.4914 if size == 32 else 0.485)


@pytest.mark.parametrize("network, size, width", [(VGG16, 64, 0.125), (ResNet18, 32, 0.25), (WideResNet28_10, 32, 0.1)])
def test_the_others_have_to_be_told_the_size(network, size, width):
    its = shapes(network(image_size=size, num_classes=5, width=width))
    assert encoder_of(its, size)[1] == {"image_size": size, "num_classes": 5, "width": width}


def test_a_size_that_shapes_do_not_tell_is_not_guessed():
    with pytest.raises(ValueError, match="ResNet18 at 32 pixels, ResNet18 at 64 pixels"):
        encoder_of(shapes(ResNet18(image_size=32, width=0.25)))


def test_no_network_of_the_book():
    with pytest.raises(ValueError, match="no encoder of the book"):
        encoder_of({"weight": (2, 2)})


@pytest.mark.parametrize("arguments", [{}, {"spectral_norm": True}, {"upsampling": "nearest"}])
def test_mirrors(arguments):
    encoder = AlexNet(image_size=32, num_classes=10, width=0.25)
    full = {"spectral_norm": False, "upsampling": "transposed", **arguments}
    _, builder, found = generator_of(shapes(mirror(encoder, "conv5", **arguments)), encoder, "conv5")
    assert (builder, found) == ("mirror", {"layer": "conv5", **full})
    with pytest.raises(ValueError, match="no generator for conv3 of AlexNet"):
        generator_of(shapes(mirror(encoder, "conv5", **arguments)), encoder, "conv3")


def test_the_papers_own_decoder():
    its = shapes(alexnet_inverter("conv1"))
    _, builder, found = generator_of(its, AlexNet(width=0.05, num_classes=2), "conv1")
    assert (builder, found) == ("alexnet_inverter", {"layer": "conv1", "spectral_norm": True})
