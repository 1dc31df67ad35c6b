"""Pictures of any height and width through a network that was trained at one size (A, Section 5.3).

Pictures are padded to the next size that the network gives back exactly, by repeating their last row and column as
A's evaluation code does (`replicate`, right and lower edge), and x_hat is cropped back. A pads to multiples of 224
pixels; here it is the least that the strides allow. What is too large for one pass is done in tiles.
"""

from functools import cached_property
from math import prod

import torch
from torch import Tensor, nn

from arae_core.data.places import check_integer
from arae_core.systems.whole_pictures.sizes import Grid, reach, size_grid
from arae_core.systems.whole_pictures.tiles import in_tiles

PIXELS = 1_000_000  # of a pass; AlexNet's inverter at 224 pixels then takes about a gigabyte


class AnySize:
    """A network x -> x_hat of the same size, for pictures of every size.

    Args:
        network: an `Autoencoder`, or another network (B, 3, h, w) -> (B, 3, h, w) in evaluation mode, that works for
            a grid of sizes (`sizes.size_grid`). Only what is called matters: weights may still change.
        pixels: what one pass may hold; pictures above it are done in overlapping tiles (`tiles.in_tiles`).

    Raises:
        ValueError: the network is tied to one size.
    """

    def __init__(self, network: nn.Module, *, pixels: int = PIXELS):
        check_integer("pixels", pixels)
        self.network, self.pixels = network, pixels
        self.grid: Grid = size_grid(network)

    @cached_property
    def reach(self) -> int:
        """How many pixels around itself a pixel of x_hat depends on, at most; see `sizes.reach`."""
        return reach(self.network, self.grid)

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        """x_hat (B, 3, H, W) of pictures x (B, 3, H, W), any H and W from one period of the network on.

        Raises:
            ValueError: x is no batch of pictures, or one so small that its padding would be more than it.
        """
        if x.dim() != 4 or 0 in x.shape:
            raise ValueError(f"pictures are a batch (B, 3, H, W), not of shape {tuple(x.shape)}")
        if min(x.shape[2:]) < self.grid.period:
            raise ValueError(
                f"a picture of {x.shape[2]} x {x.shape[3]} pixels is smaller than the network's stride of "
                f"{self.grid.period}: nearly all that it saw would be padding. Enlarge it first (data.rescaled)"
            )
        fits = prod(self.grid.at_least(side) for side in x.shape[2:]) <= self.pixels
        return in_tiles(self.network, x, self.grid, 0 if fits else self.reach, pixels=self.pixels)
