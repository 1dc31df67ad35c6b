"""Which sizes a network gives back exactly, and how far around a pixel it looks.

An autoencoder of convolutions is not tied to the size it was trained at, but not every size fits: strides round
down, and what the encoder rounded away its generator cannot draw. The sides that come back unchanged form a grid
first, first + period, first + 2 period, …; other sizes are padded to it (`any_size`). Grid and reach are both found
by running the network, not from a table, so they hold for any network x -> x_hat of the same size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call

from arae_core.networks.frozen import frozen

LARGEST_FIRST = 256  # pixels: the smallest picture that a network takes is not larger
LONGEST_STRIP = 8192  # pixels: what looks further is taken to see the whole picture


@dataclass(frozen=True)
class Grid:
    """The sides in pixels that a network gives back exactly: first, first + period, first + 2 period, …"""

    first: int
    period: int

    def at_least(self, side: int) -> int:
        """The smallest side of the grid that is not below `side`."""
        return self.first + max(0, -(-(side - self.first) // self.period)) * self.period

    def at_most(self, side: int) -> int:
        """The largest side of the grid that is not above `side`; the first one where all are."""
        return self.first + max(0, (side - self.first) // self.period) * self.period


@torch.no_grad()
def size_grid(network: nn.Module) -> Grid:
    """The grid of a network (B, 3, H, W) -> (B, 3, H', W'), found by running it on a dozen blank pictures.

    The smallest picture that runs at all comes back at the grid's first side, a larger one at some side of the
    grid, and one pixel less at the side before.

    Raises:
        ValueError: there is none. A fully connected layer, for one, ties the network to the size it was made for.
    """
    weight = next(network.parameters(), torch.zeros(()))

    def size(height: int, width: int) -> tuple[int, int]:
        """Of what comes back; (0, 0) where the picture is too small for it, or not the one size that fits."""
        try:
            with frozen(network):
                return tuple(network(weight.new_zeros(1, 3, height, width)).shape[2:])
        except (RuntimeError, ValueError):
            return 0, 0

    def side(n: int) -> int:
        return size(n, n)[0]

    first = next((found for n in range(1, LARGEST_FIRST + 1) if (found := side(n))), 0)
    last = side(2 * first + 64)
    if last > first and side(first) == first and side(last) == last:
        before = last - 1
        while (found := side(before)) != before:
            before = min(before - 1, found or first)
        grid = Grid(first, last - before)
        near, far = first + 3 * grid.period, first + 7 * grid.period
        if (last - first) % grid.period == 0 and size(near, far) == (near, far):
            return grid
    why = "Fully connected layers do that: take a convolutional layer of the encoder"
    raise ValueError(f"the network is tied to one size, or gives back no size exactly. {why}")


@torch.no_grad()
def reach(network: nn.Module, grid: Grid) -> int:
    """How many pixels next to a cut through the picture depend on what lies beyond the cut.

    Cuts lie where tiles begin (at multiples of the period) and where they end (at a side of the grid). Beyond the
    cut the picture is made NaN, which convolutions, poolings and ReLUs pass on whatever their weights, so the last
    NaN in x_hat says how far the cut is felt. The network runs on the CPU, on strips as narrow as the grid allows.

    Raises:
        ValueError: the cut is felt everywhere, as with a mean over the whole picture.
    """
    run, steps = _on(network, "cpu"), 8
    while grid.first + 2 * steps * grid.period <= LONGEST_STRIP:
        down, across = (_felt(run, grid, steps, axis) for axis in (2, 3))
        if down is not None and across is not None:
            return max(down, across)
        steps *= 2
    raise ValueError("the network looks at the whole picture (by a mean, say): it cannot run in tiles")


def _felt(run: Callable[[Tensor], Tensor], grid: Grid, steps: int, axis: int) -> int | None:
    """How far cuts in the middle of a strip along an axis are felt; None if as far as the strip's end."""
    begin = steps * grid.period  # of a tile
    end, length = begin + grid.first, begin + grid.first + begin
    shape = [2, 3, grid.first, grid.first]
    shape[axis] = length
    x = torch.zeros(shape)
    x[0].narrow(axis - 1, 0, begin).fill_(torch.nan)
    x[1].narrow(axis - 1, end, length - end).fill_(torch.nan)
    lost = run(x).isnan().any(dim=1).any(dim=4 - axis)  # (2, length)
    last, first = int(lost[0].nonzero().max()), int(lost[1].nonzero().min())
    return None if first == 0 or last == length - 1 else max(last + 1 - begin, end - first)


def _on(network: nn.Module, device: str) -> Callable[[Tensor], Tensor]:
    """The network with its weights copied to another device in float32; the network itself stays as it is."""
    weights = {
        name: value.detach().to(device, torch.float32 if value.is_floating_point() else None)
        for name, value in chain(network.named_parameters(), network.named_buffers())
    }

    def run(x: Tensor) -> Tensor:
        with frozen(network), torch.autocast("cpu", enabled=False):
            return functional_call(network, weights, (x,))

    return run
