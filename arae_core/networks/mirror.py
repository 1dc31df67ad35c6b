"""The mirror generator g: the decoder that walks an encoder's stages backwards, from any layer to the image.

Paper A calls all its decoders the mirror of their encoder. The layer lists of those for AlexNet at 224 pixels
are known (see `alexnet_inverter`), those for VGG, ResNet and WideResNet are not. Here is one rule for all:

    convolution                    -> 3x3 convolution back to its input channels
    halving (stride or pool)       -> 4x4 transposed convolution of stride 2
    residual block                 -> residual block, upsampling where the other halves
    global average pool            -> nearest upsampling
    linear layer, flattening       -> linear layer, unflattening

each followed by batch norm and ReLU (linear ones by ReLU only), the last one by tanh mapped to [0, 1]. By choice
every stride is undone by nearest neighbours and a 3x3 convolution instead of a transposed one, as A does for style
transfer, where the grid that transposed convolutions leave would show.

Where it departs from A's AlexNet decoders: channels follow the encoder instead of A's own list; odd sizes are
met by an output padding (6 -> 13 -> 27 -> 55), where A upsamples through 7, 14, 28, 56; the stride of 4 of
AlexNet's first layer is undone by a transposed convolution of its own geometry; full resolution has at least
24 channels up to the last convolution, where A narrows to 3 one layer earlier; spectral norm is a choice.
"""

from collections.abc import Iterator

import torch
from torch import nn

from arae_core.networks import blocks
from arae_core.networks.encoder import Encoder
from arae_core.networks.frozen import frozen
from arae_core.networks.residual import ResidualBlock
from arae_core.networks.specification import specification, specified

Shape = tuple[int, ...]
Step = tuple[nn.Module, Shape, Shape]  # an operation of the encoder with its input's and its output's shape

KEEPS_SHAPE = (nn.ReLU, nn.BatchNorm2d, nn.Dropout)  # nothing to mirror: every unit has its own
FEWEST_CHANNELS = 24  # before the last convolution


def mirror(
    encoder: Encoder, layer: str, *, spectral_norm: bool = False, upsampling: str = "transposed"
) -> nn.Sequential:
    """Generator for the features that `encoder` gives at `layer`.

    Args:
        encoder: only its layer plan is read; its weights are neither used nor changed.
        layer: one of `encoder.layers`.
        spectral_norm: on every convolution, plain and transposed, as A has it.
        upsampling: "transposed" (convolutions) or "nearest" (neighbours, then a convolution).

    Returns:
        g, from z of shape `(B, *encoder.feature_shape(layer))` to x_hat (B, 3, image_size, image_size) in [0, 1],
        with A's initialisation.

    Raises:
        ValueError: the encoder has no such layer, an operation in it has a geometry that this cannot undo, or
            there is no such upsampling.
        TypeError: an operation that this does not know how to undo.
    """
    if upsampling not in ("transposed", "nearest"):
        raise ValueError(f"upsampling is 'transposed' or 'nearest', not {upsampling!r}")
    steps = _trace(encoder, layer)
    units: list[nn.Module] = []
    _, _, shape = steps[-1]
    channels = shape[0]
    for operation, before, after in reversed(steps):
        # Only the last convolution goes to the image's three channels, not the mirror of the encoder's first.
        target = max(FEWEST_CHANNELS, channels // 2) if operation is steps[0][0] else before[0]
        undone = _undo(operation, before, after, target, upsampling)
        if not units and len(undone) > 1 and isinstance(undone[0], nn.ConvTranspose2d | nn.Upsample):
            units += blocks.conv_unit(channels, channels)  # as A: first a look at the features as they are
        units += undone
        channels = target
    generator = nn.Sequential(*units, *blocks.image_unit(channels))
    blocks.initialise(generator)
    if spectral_norm:
        blocks.add_spectral_norm(generator)
    generator.to(encoder.mean)  # its device and precision
    choices = {"spectral_norm": spectral_norm, "upsampling": upsampling}
    return specified(generator, mirror, encoder=specification(encoder), layer=layer, **choices)


def _trace(encoder: Encoder, layer: str) -> list[Step]:
    """The operations up to `layer` that have to be undone, in order, with their shapes for a blank image."""
    steps = []
    with frozen(encoder), torch.no_grad():
        z = encoder.blank_image()
        for stage in encoder.up_to(layer):
            for operation in _operations(stage):
                before, z = z, operation(z)
                if not isinstance(operation, KEEPS_SHAPE):
                    steps.append((operation, tuple(before.shape[1:]), tuple(z.shape[1:])))
    return steps


def _operations(stage: nn.Module) -> Iterator[nn.Module]:
    if isinstance(stage, nn.Sequential):
        for part in stage:
            yield from _operations(part)
    else:
        yield stage


def _undo(operation: nn.Module, before: Shape, after: Shape, target: int, upsampling: str) -> list[nn.Module]:
    """Modules from features of shape `after` to `target` channels (or units) at the size of `before`."""
    match operation:
        case nn.Linear():
            return [nn.Linear(after[0], before[0]), nn.ReLU()]
        case nn.Flatten():
            return [nn.Unflatten(1, before)]
        case nn.AdaptiveAvgPool2d():
            return [] if before == after else [nn.Upsample(size=before[1:], mode="nearest")]
        case nn.Conv2d() | nn.MaxPool2d() if upsampling == "nearest" and before[1:] != after[1:]:
            return _by_neighbours(operation, before, after, target)
        case nn.Conv2d() | nn.MaxPool2d():
            return _undo_window(operation, before, after, target)
        case ResidualBlock(stride=1 | 2) if before[1:] == tuple(operation.stride * n for n in after[1:]):
            return [blocks.MirroredResidualBlock(after[0], target, operation.stride)]
    raise TypeError(f"mirror does not know how to undo {operation} from {after} to {before}")


def _undo_window(
    operation: nn.Conv2d | nn.MaxPool2d, before: Shape, after: Shape, target: int
) -> list[nn.Module]:
    if before[1:] == after[1:]:
        return blocks.conv_unit(after[0], target)
    odd = before[1] % 2
    if before[1:] == (2 * after[1] + odd, 2 * after[2] + odd):
        return blocks.upsampling_unit(after[0], target, odd=bool(odd))
    # A larger stride, such as AlexNet's first: the operation's own window, run the other way.
    kernel, stride, padding = (_side(n) for n in (operation.kernel_size, operation.stride, operation.padding))
    missing = before[1] - ((after[1] - 1) * stride - 2 * padding + kernel)
    if not 0 <= missing < stride:
        raise ValueError(f"mirror cannot get from {after} back to {before} through {operation}")
    window = nn.ConvTranspose2d(after[0], target, kernel, stride, padding, missing, bias=False)
    return blocks.with_norm(window)


def _by_neighbours(
    operation: nn.Conv2d | nn.MaxPool2d, before: Shape, after: Shape, target: int
) -> list[nn.Module]:
    """Each place repeated `stride` times, what the strides rounded away repeated from the edges, a convolution."""
    stride = _side(operation.stride)
    missing = [n - stride * m for n, m in zip(before[1:], after[1:])]
    if not all(0 <= n <= stride for n in missing):
        raise ValueError(f"mirror cannot get from {after} to {before} by neighbours, through {operation}")
    below, right = missing
    units: list[nn.Module] = [nn.Upsample(scale_factor=stride, mode="nearest")]
    if any(missing):
        edges = (right // 2, right - right // 2, below // 2, below - below // 2)
        units.append(nn.ReplicationPad2d(edges))
    return units + blocks.conv_unit(after[0], target)


def _side(size: int | str | tuple[int, ...]) -> int:
    return int(size[0]) if isinstance(size, tuple) else int(size)
