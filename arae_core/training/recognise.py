"""Which of the book's networks a checkpoint holds, told by the names and shapes of its tensors alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from arae_core.encoders import VGG16, AlexNet, Encoder, ResNet18, WideResNet28_10
from arae_core.generators import alexnet_inverter, mirror

Shapes = dict[str, tuple[int, ...]]
ENCODERS = (AlexNet, VGG16, ResNet18, WideResNet28_10)
SIZES = (32, 64, 224)  # pixels


def encoder_of(shapes: Shapes, image_size: int | None = None) -> tuple[Encoder, dict[str, Any]]:
    """An untrained encoder of those shapes, and its arguments.

    image_size: that of its training images, if it is known. AlexNet's shapes tell it, those of networks that pool
    over the whole map do not. Raises ValueError if none fits, or several sizes do.
    """
    fitting = [(network, arguments) for network in ENCODERS for size in ([image_size] if image_size else SIZES)
               if (arguments := _arguments(network, size, shapes)) is not None]
    if len(fitting) != 1:
        sizes = ", ".join(f"{network.__name__} at {arguments['image_size']} pixels" for network, arguments in fitting)
        raise ValueError(f"its shapes are those of {sizes or 'no encoder of the book'}")
    network, arguments = fitting[0]
    return network(**arguments), arguments


def generator_of(shapes: Shapes, encoder: Encoder, layer: str) -> tuple[nn.Module, str, dict[str, Any]]:
    """An untrained generator of those shapes for `encoder`'s features at `layer`, what builds it, and with what.

    Raises ValueError if none fits, or the encoder has no such layer.
    """
    encoder.require_layer(layer)
    for builder, arguments in _builders(encoder, layer):
        generator = (mirror(encoder, layer, **arguments) if builder == "mirror"
                     else alexnet_inverter(layer, **arguments))
        if _shapes(generator) == shapes:
            return generator, builder, {"layer": layer, **arguments}
    raise ValueError(f"its shapes are those of no generator for {layer} of {type(encoder).__name__}")


def _arguments(network: type[Encoder], image_size: int, shapes: Shapes) -> dict[str, Any] | None:
    """With what the network has those shapes; None if with nothing."""
    with torch.device("meta"):  # shapes without memory
        try:
            whole = _shapes(network(image_size=image_size))
            if whole.keys() != shapes.keys():
                return None
            *names, logits = whole
            widest = max(names[:-1], key=lambda name: whole[name][:1])
            width = shapes[widest][0] / whole[widest][0]
            for digits in range(1, 5):  # channels are rounded, and widths are round
                arguments = {"image_size": image_size, "num_classes": shapes[logits][0], "width": round(width, digits)}
                if arguments["width"] and _shapes(network(**arguments)) == shapes:
                    return arguments
        except ValueError:  # not for images of that size
            pass
    return None


def _builders(encoder: Encoder, layer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for upsampling in ("transposed", "nearest"):
        for spectral_norm in (False, True):
            yield "mirror", {"spectral_norm": spectral_norm, "upsampling": upsampling}
    if isinstance(encoder, AlexNet) and encoder.image_size == 224 and layer in ("conv1", "conv2", "conv5"):
        for spectral_norm in (True, False):
            yield "alexnet_inverter", {"spectral_norm": spectral_norm}


def _shapes(module: nn.Module) -> Shapes:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}
