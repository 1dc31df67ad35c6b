"""The three decoders with which paper A inverts AlexNet at 224 pixels, layer by layer as in its public code.

From "conv5" (after the pool) A upsamples by transposed convolutions, from "conv2" and "conv1", which it uses
for style transfer, by nearest neighbours. All begin by growing the side by one (6 to 7, 13 to 14, 27 to 28: a
4x4 transposed convolution of stride 1), so that doubling it ends at 224. They also narrow to three channels
one layer before the last, with batch norm and ReLU: that is A's, not a slip.
"""

from torch import nn

from arae_core.networks import blocks
from arae_core.networks.specification import specified

# Of the decoders by neighbours: each convolution's output channels, and where the side grows by one or doubles.
PLANS: dict[str, tuple[int | str, ...]] = {
    "conv1": (64, "grow", 64, "double", 64, 32, "double", 32, "double", 16, 3),
    "conv2": (192, "grow", 96, "double", 96, 64, "double", 64, "double", 64, "double", 32, 3),
}


def alexnet_inverter(layer: str, *, spectral_norm: bool = True) -> nn.Sequential:
    """A's generator for AlexNet's features at 224 pixels.

    Args:
        layer: "conv5" (z of 256x6x6; 4,753,370 trainable parameters), "conv2" (192x13x13; 1,320,442) or
            "conv1" (64x27x27; 209,578), each as `AlexNet` names it: with its ReLU and pool.
        spectral_norm: on every convolution, plain and transposed, the last one too. The counts do not change.

    Returns:
        g: z (B, C, h, w) to x_hat (B, 3, 224, 224) in [0, 1], with A's initialisation.

    Raises:
        ValueError: a layer for which A has no decoder; `mirror` makes one for any layer.
    """
    if layer not in (*PLANS, "conv5"):
        there = f"only for {', '.join(PLANS)}, conv5; mirror(encoder, layer) makes one for any layer"
        raise ValueError(f"paper A has no AlexNet decoder for {layer!r}, {there}")
    units = _from_conv5() if layer == "conv5" else _by_neighbours(PLANS[layer])
    generator = nn.Sequential(*units, *blocks.image_unit(3))
    blocks.initialise(generator)
    if spectral_norm:
        blocks.add_spectral_norm(generator)
    return specified(generator, alexnet_inverter, layer=layer, spectral_norm=spectral_norm)


def _from_conv5() -> list[nn.Module]:
    units = [*blocks.conv_unit(256, 256), *_grow(256)]  # 7
    for before, after in ((256, 256), (256, 128), (128, 64), (64, 32), (32, 3)):  # 14, 28, 56, 112, 224
        units += [*blocks.conv_unit(before, before), *blocks.upsampling_unit(before, after)]
    return units


def _by_neighbours(plan: tuple[int | str, ...]) -> list[nn.Module]:
    units, before = [], int(plan[0])
    for step in plan:
        if step == "grow":
            units += _grow(before)
        elif step == "double":
            units.append(nn.Upsample(scale_factor=2, mode="nearest"))
        else:
            units += blocks.conv_unit(before, int(step))
            before = int(step)
    return units


def _grow(channels: int) -> list[nn.Module]:
    """4x4 transposed convolution of stride 1: side n becomes n + 1."""
    return blocks.with_norm(nn.ConvTranspose2d(channels, channels, 4, 1, 1, bias=False))
