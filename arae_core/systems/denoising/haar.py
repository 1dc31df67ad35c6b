"""The Haar wavelet's pair of analysis and synthesis, for whole batches of feature maps (Yoo et al. 2019, Section 3.1).

Of each 2 x 2 block, a b over c d, analysis keeps four numbers:

    LL = (a + b + c + d) / 2    twice the mean
    LH = (c + d - a - b) / 2    what changes from top to bottom
    HL = (b + d - a - c) / 2    what changes from left to right
    HH = (a + d - b - c) / 2    what changes along the diagonal

The transform is orthonormal, so synthesis is its transpose and loses nothing. A pooling that keeps LL alone halves
the side as max pooling does, and the other three, the details, say all that it left out.
"""

import torch
from torch import Tensor


def haar_analysis(x: Tensor) -> tuple[Tensor, Tensor]:
    """LL (B, C, h, w) and the details LH, HL, HH (B, 3, C, h, w) of maps x (B, C, H, W), h = H // 2, w = W // 2.

    The last row or column of an odd side is left out, as a 2 x 2 pooling does. Raises ValueError where that leaves
    nothing.
    """
    height, width = (side // 2 * 2 for side in x.shape[-2:])
    if x.dim() != 4 or not (height and width):
        raise ValueError(f"Haar analysis needs maps (B, C, H, W) of two pixels a side, not {tuple(x.shape)}")
    a, b = x[..., :height:2, :width:2], x[..., :height:2, 1:width:2]
    c, d = x[..., 1:height:2, :width:2], x[..., 1:height:2, 1:width:2]
    above, below = a + b, c + d
    details = torch.stack([below - above, b + d - a - c, a + d - b - c], dim=1)
    return (above + below) / 2, details / 2


def haar_synthesis(ll: Tensor, details: Tensor | None = None) -> Tensor:
    """Maps (B, C, 2h, 2w) of LL (B, C, h, w) and its details (B, 3, C, h, w); None: details of zero.

    Undoes `haar_analysis`; a row or column that it left out does not come back. Raises ValueError for shapes that do
    not belong together.
    """
    if details is None:
        return (ll / 2).repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
    if details.shape != (ll.shape[0], 3, *ll.shape[1:]):
        raise ValueError(f"details {tuple(details.shape)} do not belong to LL of shape {tuple(ll.shape)}")
    lh, hl, hh = details.unbind(1)
    a, b = ll - lh - hl + hh, ll - lh + hl - hh
    c, d = ll + lh - hl - hh, ll + lh + hl + hh
    rows = torch.stack([a, b, c, d], dim=2) / 2
    batch, channels, _, height, width = rows.shape
    blocks = rows.view(batch, channels, 2, 2, height, width)  # of each block: row, column
    return blocks.permute(0, 1, 4, 2, 5, 3).reshape(batch, channels, 2 * height, 2 * width)
