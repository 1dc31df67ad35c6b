"""Universal style transfer over autoencoders of several layers (A, Section 4 and 6.1; Li et al. 2017).

From the deepest layer to the shallowest: encode the picture, give its features the mean and covariance of the
style's (`whitening_colouring`), decode, and hand the result to the next layer. Nothing is trained for a style; the
autoencoders were trained to reproduce images, and that is all they have to do.

As in A, three autoencoders of one AlexNet, conv5, conv2 and conv1, and no blending with the content (alpha = 1);
Li et al. have five of VGG-19 and blend. A scales every picture to 224 pixels, here any size goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from arae_core.networks.autoencoder import Autoencoder
from arae_core.systems.style_transfer.whitening_colouring import Moments, colour, moments, whiten
from arae_core.systems.whole_pictures.sizes import size_grid
from arae_core.systems.whole_pictures.tiles import window


@dataclass(frozen=True)
class Style:
    """What is kept of a style picture: its features' moments at each level, from deep to shallow."""

    levels: tuple[Moments, ...]


@dataclass(frozen=True)
class Content:
    """A picture (1, 3, H, W) with its features at the deepest level, as they are and whitened, both (1, C, h, w)."""

    picture: Tensor
    features: Tensor
    whitened: Tensor


class StyleTransfer:
    """Autoencoders at work one after the other, to paint a content in a style.

    Args:
        levels: autoencoders in the order in which they work, from the deepest layer to the shallowest.

    Factorisations: one for each level of a style, one for a content's deepest level; both are kept in `Style` and
    `Content`, so that N contents in M styles cost N + M of them at that level. Further up the picture is already
    another one for each pair, and so are its moments.

    Raises:
        ValueError: no levels, or an autoencoder that is tied to one size.
    """

    def __init__(self, levels: Sequence[Autoencoder]):
        if not levels:
            raise ValueError("style transfer needs at least one autoencoder")
        self.levels = tuple(levels)
        self.grids = tuple(size_grid(its) for its in self.levels)

    @property
    def least_side(self) -> int:
        """The side in pixels of the smallest picture that is taken, one stride of the deepest level."""
        return max(grid.period for grid in self.grids)

    def style(self, picture: Tensor) -> Style:
        """The style of a picture (1, 3, H, W) in [0, 1], of any size from `least_side` on.

        Raises:
            ValueError: no picture, values outside [0, 1], or one smaller than the stride.
        """
        self._check("style", picture)
        return Style(tuple(moments(self._encode(level, picture)) for level in range(len(self.levels))))

    def content(self, picture: Tensor) -> Content:
        """A picture (1, 3, H, W) in [0, 1], made ready to be painted in several styles. Raises as `style`."""
        self._check("content", picture)
        z = self._encode(0, picture)
        return Content(picture, z, whiten(z, moments(z)))

    @torch.no_grad()
    def __call__(
        self, content: Content | Tensor, style: Style | Tensor, *, alpha: float | Sequence[float] = 1.0
    ) -> Tensor:
        """The content in the style, (1, 3, H, W) in [0, 1], of the content's size.

        alpha: 1, the style's moments; 0, the content's own features (a plain reconstruction); between, a blend of
        the two. One number for every level, or one for each.

        Raises:
            ValueError: alpha outside [0, 1] or not one for each level, or pictures as in `style`.
        """
        alphas = [alpha] * len(self.levels) if isinstance(alpha, int | float) else list(alpha)
        if len(alphas) != len(self.levels) or not all(0 <= its <= 1 for its in alphas):  # NaN fails too
            levels = f"{len(self.levels)} levels"
            raise ValueError(f"alpha blends between 0 (content) and 1 (style), at {levels}; not {alpha!r}")
        content = content if isinstance(content, Content) else self.content(content)
        style = style if isinstance(style, Style) else self.style(style)
        z, whitened, picture = content.features, content.whitened, content.picture
        height, width = picture.shape[2:]
        for level, its in enumerate(style.levels):
            if level > 0:
                z = self._encode(level, picture)
                whitened = whiten(z, moments(z))
            z = _blended(z, whitened, its, alphas[level])
            picture = self.levels[level].decode(z)[:, :, :height, :width].clamp(0, 1)
        return picture

    def _encode(self, level: int, picture: Tensor) -> Tensor:
        """Features of a picture that was padded to a size which its autoencoder gives back."""
        height, width = (self.grids[level].at_least(side) for side in picture.shape[2:])
        with torch.no_grad():
            return self.levels[level].encode(window(picture, range(height), range(width)))

    def _check(self, what: str, picture: Tensor) -> None:
        if not picture.is_floating_point() or picture.dim() != 4 or picture.shape[:2] != (1, 3):
            found = f"{picture.dtype} {tuple(picture.shape)}"
            raise ValueError(f"a {what} is one picture of floats (1, 3, H, W), not {found}")
        if min(picture.shape[2:]) < self.least_side:
            raise ValueError(
                f"a {what} of {picture.shape[2]} x {picture.shape[3]} pixels is smaller than the networks' stride of "
                f"{self.least_side}: nearly all that they saw would be padding. Enlarge it first (data.rescaled)"
            )
        low, high = picture.min().item(), picture.max().item()
        if not (low >= 0 and high <= 1):  # so written, NaN fails too
            raise ValueError(f"a {what} lies in [0, 1], but this one spans [{low:.4g}, {high:.4g}]")


def _blended(z: Tensor, whitened: Tensor, style: Moments, alpha: float) -> Tensor:
    """alpha of the style's moments, the rest of the content's features; not negative where z follows a ReLU."""
    coloured = colour(whitened, style).to(z)
    if bool((z >= 0).all()):
        coloured = coloured.clamp(min=0)
    return alpha * coloured + (1 - alpha) * z
