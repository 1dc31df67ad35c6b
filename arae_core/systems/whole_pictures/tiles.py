"""A large picture in overlapping tiles, so that the memory of a pass is bounded by the tile.

A tile begins at a multiple of the network's period and has a side of its grid: inside, the network then meets the
same pixels in the same places as in the whole picture. Near a cut it does not, so that many pixels as it looks far
(`sizes.reach`) are dropped from the tile and taken from the next one. What is kept equals the whole picture's x_hat
up to rounding. A's evaluation code goes the simpler way and takes each picture whole.
"""

from collections.abc import Callable
from math import isqrt

import torch
from torch import Tensor

from arae_core.systems.whole_pictures.sizes import Grid

Span = tuple[int, int, int]  # a tile along one axis: where it begins, and what is kept of it (from, to)


def in_tiles(
    network: Callable[[Tensor], Tensor], x: Tensor, grid: Grid, reach: int, *, pixels: int
) -> Tensor:
    """x_hat of pictures x, from passes over at most `pixels` pixels each.

    Args:
        network: (B, C, h, w) -> (B, C', h, w) wherever h and w are on the grid; convolutions, so that a pixel of its
            output depends on no pixel further away than `reach`.
        x: (B, C, H, W) of any H and W; what is missing to the grid is replicated from the right and lower edge.
        pixels: of all tiles of a pass together; a batch is split where its tiles are too many.

    Returns:
        (B, C', H, W) of the network's own precision.

    Raises:
        ValueError: tiles of so few pixels would leave nothing between the dropped borders.
    """
    height, width = grid.at_least(x.shape[2]), grid.at_least(x.shape[3])
    tall, wide = tile_sides(height, width, grid, reach, pixels)
    x_hat: Tensor | None = None
    for top, *rows in spans(height, tall, reach, grid.period):
        for left, *columns in spans(width, wide, reach, grid.period):
            tiles = window(x, range(top, top + tall), range(left, left + wide))
            drawn = torch.cat([network(part) for part in tiles.split(max(1, pixels // (tall * wide)))])
            if x_hat is None:
                x_hat = drawn.new_empty(*drawn.shape[:2], *x.shape[2:])
            kept = x_hat[:, :, slice(*rows), slice(*columns)]  # cropped where the padding begins
            inner = drawn[:, :, rows[0] - top :, columns[0] - left :]
            kept.copy_(inner[:, :, : kept.shape[2], : kept.shape[3]])
    assert x_hat is not None  # no picture is empty
    return x_hat


def window(x: Tensor, rows: range, columns: range) -> Tensor:
    """Rows and columns of x (B, C, H, W), the last ones repeated where they lie beyond its edge."""
    height, width = x.shape[2:]
    x = x[:, :, rows.start : rows.stop, columns.start : columns.stop]
    below, right = max(0, rows.stop - height), max(0, columns.stop - width)
    if below or right:
        x = torch.nn.functional.pad(x, (0, right, 0, below), mode="replicate")
    return x


def tile_sides(height: int, width: int, grid: Grid, reach: int, pixels: int) -> tuple[int, int]:
    """(height, width) of the tiles for a picture whose sides are on the grid: square, or as long as a thin one allows.

    Raises:
        ValueError: as `in_tiles`.
    """
    square = grid.at_most(isqrt(pixels))
    tall = min(height, square if width > square else grid.at_most(pixels // width))
    wide = min(width, grid.at_most(pixels // tall))
    least = grid.at_least(2 * reach + grid.period)
    if tall * wide > pixels or tall < min(least, height) or wide < min(least, width):
        around = f"a network that looks {reach} pixels around: allow {least**2:,}"
        raise ValueError(f"tiles of {pixels:,} pixels are too small for {around}")
    return tall, wide


def spans(length: int, side: int, reach: int, period: int) -> list[Span]:
    """Tiles of `side` along `length`, both on the grid: each (begin, from, to), the kept parts without gap or overlap."""
    step = (side - 2 * reach) // period * period
    begins = [0] if side == length else [*range(0, length - side, step), length - side]
    edges = [0, *(begin + reach for begin in begins[1:]), length]
    return list(zip(begins, edges, edges[1:]))
