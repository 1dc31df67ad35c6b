"""The adversarially robust autoencoder of A: a frozen encoder's layer, and the generator that inverts it."""

import torch
from torch import Tensor, nn

from arae_core.networks.encoder import Encoder


class Autoencoder(nn.Module):
    """x -> z = f(x) at one layer -> x_hat = g(z).

    Args:
        encoder, generator: trained; both are put into evaluation mode.
        layer: one of the encoder's layers, the one that the generator was trained to invert.
    """

    def __init__(self, encoder: Encoder, generator: nn.Module, layer: str):
        super().__init__()
        self.encoder, self.generator, self.layer = encoder, generator, encoder.require_layer(layer)
        self.eval()

    def encode(self, x: Tensor) -> Tensor:
        """Features z (B, C, h, w) of images x (B, 3, H, W) in [0, 1]."""
        return self.encoder.features(x, self.layer)

    def decode(self, z: Tensor) -> Tensor:
        """Images x_hat (B, 3, H, W) in [0, 1] of features z."""
        return self.generator(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """x_hat without a gradient, for looking and measuring."""
        return self(x)
