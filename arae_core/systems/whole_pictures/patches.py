"""A picture in patches of the training images' size, each of them alone.

Unlike `tiles.in_tiles`, which gives what one pass over the whole picture would give, this changes what the network
sees: its layers' padding lies around every patch, as it did in training, and nothing of a neighbour is known. Seams
between patches can show.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from arae_core.data.places import check_integer
from arae_core.systems.whole_pictures.any_size import PIXELS
from arae_core.systems.whole_pictures.tiles import window


@torch.no_grad()
def in_patches(network: Callable[[Tensor], Tensor], x: Tensor, side: int, *, pixels: int = PIXELS) -> Tensor:
    """x_hat of pictures x, drawn `side` x `side` pixels at a time and put together.

    Args:
        network: (N, C, side, side) -> (N, C', side, side); patches are its batch.
        x: (B, C, H, W) of any H and W; where the last patches reach over an edge, the last row or column is repeated.
        pixels: of all patches of a pass together; at least one patch is taken.

    Returns:
        (B, C', H, W).

    Raises:
        ValueError: x is no batch of pictures, side is not a positive number of pixels, or the network gives patches
            of another size.
    """
    if x.dim() != 4 or 0 in x.shape:
        raise ValueError(f"pictures are a batch (B, C, H, W), not of shape {tuple(x.shape)}")
    check_integer("side", side)
    down, across = (-(-length // side) for length in x.shape[2:])
    whole = window(x, range(down * side), range(across * side))
    patches = whole.unfold(2, side, side).unfold(3, side, side)  # (B, C, down, across, side, side)
    patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    drawn = torch.cat([network(part) for part in patches.split(max(1, pixels // side**2))])
    if drawn.shape[2:] != (side, side):
        raise ValueError(f"the network draws {tuple(drawn.shape[2:])} pixels, not ({side}, {side})")
    drawn = drawn.unflatten(0, (len(x), down, across)).permute(0, 3, 1, 4, 2, 5)
    return drawn.flatten(4, 5).flatten(2, 3)[:, :, : x.shape[2], : x.shape[3]]
