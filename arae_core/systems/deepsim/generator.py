"""DeePSiM's generator for pooled AlexNet features (Dosovitskiy and Brox 2016, section 4.3 and Table 5).

C's text gives the generator of FC6 as a table: three fully connected layers, then up-convolutions by 2 with
convolutions between them, leaky ReLU with slope 0.3, a linear output and no batch norm. Of the one for CONV5 it
says that convolutions take the place of the fully connected layers. Their number and width (three of 512
channels, the last without padding, from 6 x 6 to Table 5's 4 x 4) are not in the text; ours are those that
public ports of the released generator have. From there on the plan is Table 5's, which ends at 256 pixels;
the middle 224 are kept (C: 227).

An up-convolution is "bed of nails" upsampling (values two apart, zeros between) and a convolution. That is a
transposed convolution of stride 2, which skips the zeros; a test compares the two.

For 32 and 64 pixels, where C has nothing: the three convolutions keep the features' size, and there are as many
up-convolutions as doublings are needed, Table 5's first ones and its last. The start is ours too: weights after
He et al. 2015 for this slope, the output's bias at mid-grey.
"""

import torch
from torch import Tensor, nn

from arae_core.networks.encoder import scaled

SLOPE = 0.3
HEAD = 512  # channels of the three convolutions before the first up-convolution
# Table 5: an up-convolution's channels, and those of the convolution after it (None: there is none)
DOUBLINGS = ((256, 512), (256, 256), (128, 128), (64, None), (32, None))


class DeepSimGenerator(nn.Module):
    """g: z (B, C, h, h) to x_hat (B, 3, image_size, image_size), *linear*: clamp it to [0, 1] before measuring.

    Args:
        feature_shape: (C, h, h), `encoder.feature_shape("conv5")`.
        image_size: 224 (from 6x6 features; at width 1 12,702,307 parameters), or h times 4, 8, 16, ... up to 64.
        width: factor on all channels but the first and the last.

    Raises:
        ValueError: features that do not double to the image's size.
    """

    def __init__(
        self, feature_shape: tuple[int, ...] = (256, 6, 6), image_size: int = 224, width: float = 1.0
    ):
        super().__init__()
        channels, side = feature_shape[0], feature_shape[-1]
        shrinks = image_size == 224 and side == 6
        doublings = 6 if shrinks else _doublings(feature_shape, image_size)
        self.image_size = image_size
        self.arguments = {"feature_shape": list(feature_shape), "image_size": image_size, "width": width}
        head = scaled(HEAD, width)
        units: list[nn.Module] = []
        for padding in (1, 1, 0 if shrinks else 1):
            units += [nn.Conv2d(channels, head, 3, padding=padding), nn.LeakyReLU(SLOPE)]
            channels = head
        for doubled, convolved in DOUBLINGS[: doublings - 1]:
            units += [up_convolution(channels, scaled(doubled, width)), nn.LeakyReLU(SLOPE)]
            channels = scaled(doubled, width)
            if convolved:
                units += [nn.Conv2d(channels, scaled(convolved, width), 3, padding=1), nn.LeakyReLU(SLOPE)]
                channels = scaled(convolved, width)
        self.body = nn.Sequential(*units)
        self.to_image = up_convolution(channels, 3)
        _initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        z = self.body(z)
        with torch.autocast(z.device.type, enabled=False):  # half precision is too coarse for pixels
            x_hat = self.to_image(z.to(self.to_image.weight.dtype))
        edge = (x_hat.shape[-1] - self.image_size) // 2
        return x_hat[..., edge : edge + self.image_size, edge : edge + self.image_size]


def up_convolution(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Bed of nails upsampling by 2 and a 4x4 convolution, in one: side n becomes 2n."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)


def _doublings(feature_shape: tuple[int, ...], image_size: int) -> int:
    side = feature_shape[-1]
    doublings = (image_size // side).bit_length() - 1
    if len(feature_shape) != 3 or side * 2**doublings != image_size or not 2 <= doublings <= 6:
        there = "(C, 6, 6) go to 224, and (C, h, h) to h times a power of two between 4 and 64"
        raise ValueError(f"features {tuple(feature_shape)} do not double to {image_size} pixels; {there}")
    return doublings


def _initialise(generator: DeepSimGenerator) -> None:
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            transposed = isinstance(module, nn.ConvTranspose2d)
            # Each output of a transposed convolution of stride 2 sees a quarter of its 4x4 window.
            fan_in = module.in_channels * (4 if transposed else 9)
            gain = 1.0 if module is generator.to_image else (2 / (1 + SLOPE**2)) ** 0.5
            nn.init.normal_(module.weight, 0.0, gain / fan_in**0.5)
            if module.bias is not None:
                nn.init.constant_(module.bias, 0.5 if module is generator.to_image else 0.0)
