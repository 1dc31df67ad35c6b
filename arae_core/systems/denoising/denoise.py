"""The denoiser at work: a frozen encoder with Haar poolings, and the decoder trained for it (A, Section 4.2)."""

from functools import cached_property

import torch
from torch import Tensor, nn

from arae_core.data.images import check_images
from arae_core.networks import Encoder
from arae_core.systems.denoising.wavelet_encoder import WaveletEncoder
from arae_core.systems.whole_pictures.any_size import PIXELS, AnySize


class Denoiser(nn.Module):
    """x_noisy -> z, details -> x_hat.

    Args:
        encoder: trained; only read.
        decoder: trained for it, takes (z, details). Both are put into evaluation mode.
        layer: the one that the decoder was trained for.
        pixels: what one pass may hold, as `AnySize`'s.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module, layer: str = "conv5", *, pixels: int = PIXELS):
        super().__init__()
        self.encoder, self.decoder, self.pixels = WaveletEncoder(encoder, layer), decoder, pixels
        self.eval()

    def forward(self, x_noisy: Tensor) -> Tensor:
        """x_hat of pictures of the sizes that the strides allow; no check, and gradients as usual."""
        return self.decoder(self.encoder(x_noisy))

    @cached_property
    def at_any_size(self) -> AnySize:
        """This network for pictures of every size; its grid is found once."""
        return AnySize(self, pixels=self.pixels)

    @torch.no_grad()
    def denoise(self, x_noisy: Tensor) -> Tensor:
        """x_hat (B, 3, H, W) in [0, 1] of pictures x_noisy (B, 3, H, W) in [0, 1], of any size from 16 pixels a side on
        (AlexNet's small forms; 64 at 224 pixels): padded, cropped back, and done in tiles if large.

        Raises:
            TypeError, ValueError: x_noisy is no batch of pictures in [0, 1], or too small.
        """
        check_images(x_noisy, "pictures", channels=3)
        return self.at_any_size(x_noisy)
