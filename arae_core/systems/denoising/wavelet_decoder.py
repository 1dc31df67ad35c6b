"""The denoiser's decoder: Haar synthesis upwards, with the encoder's own details, then on to the image (A, Table A9).

For AlexNet at 224 pixels it is A's, layer by layer; c is a 3x3 convolution with batch norm and ReLU, U nearest
upsampling, pad a reflection padding at the left and below, which makes up for what a pooling of an odd side left out:

    c256, synthesis (pool3), c256, pad, c256, c192, synthesis (pool2), pad, c128, c64,
    synthesis (pool1), pad, c64, U, c32, c32, U, c3, convolution to the image, tanh

The same rule serves the small forms of AlexNet, whose channels take the places of A's: their sides are even, so
nothing is padded, and their first convolution has a stride of 2, so that one U is enough.

Details are added where they are synthesised and need no weights, so a decoder without them has as many parameters.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from arae_core.networks.blocks import add_spectral_norm, conv_unit, image_unit, initialise
from arae_core.networks.frozen import frozen
from arae_core.networks.specification import specification
from arae_core.systems.denoising.haar import haar_synthesis
from arae_core.systems.denoising.wavelet_encoder import Features, WaveletEncoder


class WaveletDecoder(nn.Module):
    """(z, details) -> x_hat (B, 3, H, W) in [0, 1], for an encoder with three poolings.

    Args:
        encoder: only its layer plan is read. AlexNet at 224 pixels: A's decoder, 2,574,778 parameters.
        skips: whether the details are used; without them they count as zero.
        spectral_norm: on every convolution, as A has it.

    Raises:
        ValueError: an encoder of another number of poolings, or whose first stride is not 2 or 4.
    """

    def __init__(self, encoder: WaveletEncoder, *, skips: bool = True, spectral_norm: bool = False):
        super().__init__()
        self.skips = skips
        self.arguments = {"encoder": specification(encoder), "skips": skips, "spectral_norm": spectral_norm}
        channels, pads = _plan(encoder)
        if len(channels) != 3:
            raise ValueError(f"A's denoiser has three poolings, {encoder.layer} has {len(channels)} up to it")
        first, second, third = channels
        stride = encoder.stride
        if stride not in (2, 4):
            raise ValueError(f"a first stride of {stride} is not undone by doubling once or twice")
        half, between = max(1, first // 2), (first + second) // 2
        up = [nn.Upsample(scale_factor=2, mode="nearest"), *conv_unit(first, half), *conv_unit(half, half)]
        if stride == 4:
            up += [nn.Upsample(scale_factor=2, mode="nearest"), *conv_unit(half, 3)]
        last = 3 if stride == 4 else half
        stages = [  # a synthesis follows each but the last
            conv_unit(third, third),
            [*conv_unit(third, third), *pads[2], *conv_unit(third, third), *conv_unit(third, second)],
            [*pads[1], *conv_unit(second, between), *conv_unit(between, first)],
            [*pads[0], *conv_unit(first, first), *up, *image_unit(last)],
        ]
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)
        initialise(self)
        if spectral_norm:
            add_spectral_norm(self)
        self.to(encoder.encoder.mean)  # its device and precision

    def forward(self, features: Features) -> Tensor:
        z, details = features
        for stage, detail in zip(self.stages, reversed(details)):
            z = stage(z)
            z = haar_synthesis(z, _fitted(detail, z) if self.skips else None)
        return self.stages[-1](z)


@torch.no_grad()
def _plan(encoder: WaveletEncoder) -> tuple[list[int], list[list[nn.Module]]]:
    """Channels at each pooling from the image on, and the paddings that follow their syntheses."""
    with frozen(encoder):
        _, details = encoder(encoder.encoder.blank_image())
    sides = [detail.shape[-1] for detail in details]
    start = encoder.encoder.image_size // encoder.stride  # the side that doubling takes to the image's
    missing = [side - 2 * half for side, half in zip([start, *sides], sides)]  # between poolings sides stay
    return [detail.shape[2] for detail in details], [_reflection(n) for n in missing]


def _fitted(details: Tensor, ll: Tensor) -> Tensor:
    """Details cut off, or zero, at the right and lower edge where a picture's odd sides are not those planned for."""
    height, width = (here - there for here, there in zip(ll.shape[-2:], details.shape[-2:]))
    return pad(details, (0, width, 0, height)) if height or width else details


def _reflection(pixels: int) -> list[nn.Module]:
    """As many columns at the left and rows below, mirrored: A's way to make up for odd sides."""
    return [nn.ReflectionPad2d((pixels, 0, 0, pixels))] if pixels else []
