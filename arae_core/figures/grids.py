"""Images side by side, pictures of any shape, and what cannot be seen as it is: perturbations, gradients and errors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from .style import DPI, Picture, bare, close_up, panels, styled

Rows = Mapping[str, Sequence[Tensor]]
LETTER = 0.085  # inches that a letter of a row's label takes
SMALL = 96  # images up to this size are shown pixel by pixel, larger ones smoothly


@styled
def image_grid(
    rows: Mapping[str, Tensor] | Sequence[Tensor],
    *,
    columns: Sequence[str] | None = None,
    title: str = "",
    width: float = 7.5,
) -> Picture:
    """Images in rows: label to (N, 3, H, W) or (N, 1, H, W) in [0,1], or just the tensors.

    columns: labels above the first row. width in inches; the height follows. Rows may be shorter than
    others. Raises ValueError for tensors of another shape and for values outside [0,1].
    """
    labelled: dict[Any, Tensor] = dict(rows) if isinstance(rows, Mapping) else dict(enumerate(rows))
    if not labelled:
        raise ValueError("no rows of images to show")
    for label, images in labelled.items():
        if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
            raise ValueError(f"row {label!r} must be (N, 3, H, W), not {tuple(images.shape)}")
        low, high = images.min().item(), images.max().item()
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            hint = "images are in [0,1]: perturbation() and gradient_image() bring signed values there"
            raise ValueError(f"row {label!r} spans [{low:.3g}, {high:.3g}], {hint}")
    most = max(len(images) for images in labelled.values())
    if columns is not None and len(columns) != most:
        raise ValueError(f"{len(columns)} column labels for {most} columns")
    names = [label if isinstance(label, str) else "" for label in labelled]
    cell = (width - LETTER * max(map(len, names))) / most
    height = cell * len(labelled) * 1.03 + (0.22 if columns else 0) + (0.24 if title else 0)
    figure, axes = panels(len(labelled), most, width, height)
    close_up(figure)
    for r, (name, images) in enumerate(zip(names, labelled.values())):
        pixels = _pixels(images)
        for c, ax in enumerate(axes[r]):
            bare(ax)
            if c < len(images):
                ax.imshow(pixels[c], interpolation=_smooth(images))
            if c == 0 and name:
                ax.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
            if r == 0 and columns is not None:
                ax.set_title(columns[c])
    if title:
        figure.suptitle(title)
    return figure


@styled
def picture_rows(rows: Rows, *, columns: Sequence[str], width: float = 7.5) -> Picture:
    """Pictures of different shapes: label to one (3, H, W) in [0,1] for each column, a row as high as its pictures.

    Raises ValueError if there is nothing to show, or a row has not one picture for each column.
    """
    figure, axes = _frames(rows, columns, width)
    for line, pictures in zip(axes, rows.values()):
        for ax, picture in zip(line, pictures):
            ax.imshow(_pixels(picture[None])[0], interpolation=_smooth(picture))
    return figure


@styled
def error_maps(
    rows: Rows, *, columns: Sequence[str], largest: float | None = None, width: float = 7.5
) -> Picture:
    """`|x - x_hat|` as heat, dark where they agree, every map on the scale of the bar at the right.

    rows: label to one difference x - x_hat (C, H, W) for each column; its size is averaged over the channels.
    largest: where the scale ends, in pixels of [0,1]; by default at the largest error shown.
    Raises ValueError as `picture_rows`.
    """
    figure, axes = _frames(rows, columns, width, bar=0.9)
    maps = [
        [error.detach().float().abs().mean(dim=0).cpu().numpy() for error in row] for row in rows.values()
    ]
    largest = largest or max(float(error.max()) for row in maps for error in row)
    for line, row in zip(axes, maps):
        for ax, error in zip(line, row):
            heat = ax.imshow(error, cmap="magma", vmin=0, vmax=largest, interpolation="antialiased")
    bar = figure.colorbar(heat, ax=[ax for line in axes for ax in line], shrink=0.9, aspect=25)
    bar.set_label("absolute error, mean over colours")
    bar.outline.set_visible(False)
    return figure


def perturbation(delta: Tensor, gain: float = 10.0) -> Tensor:
    """A perturbation to look at: 0.5 + gain * delta, clamped to [0,1]; grey where nothing changed.

    delta: (N, 3, H, W), x_adv - x. Say the gain in the label.
    """
    return (0.5 + gain * delta.detach()).clamp(0, 1)


def gradient_image(gradient: Tensor, deviations: float = 3.0) -> Tensor:
    """A signed gradient to look at: 0 is grey, +-`deviations` root mean squares are white and black.

    gradient: (N, C, H, W), each scaled by its own root mean square, since only its direction is to be
    compared. A gradient of zero, or one too small to be squared, stays grey or keeps its shape.
    """
    gradient = gradient.detach().float()
    peak = gradient.abs().amax(dim=(1, 2, 3), keepdim=True)
    gradient = gradient / torch.where(peak > 0, peak, 1)  # first, lest the squares vanish in float32
    scale = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return (0.5 + gradient / (2 * deviations * torch.where(scale > 0, scale, 1))).clamp(0, 1)


def _pixels(images: Tensor) -> np.ndarray:
    return images.detach().float().clamp(0, 1).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).cpu().numpy()


def _smooth(images: Tensor) -> str:
    return "nearest" if max(images.shape[-2:]) <= SMALL else "antialiased"


def _frames(
    rows: Rows, columns: Sequence[str], width: float, bar: float = 0.0
) -> tuple[Picture, list[list[Axes]]]:
    """Empty labelled axes in the shapes of the pictures; `bar`: inches to be left at the right."""
    if not rows or not columns:
        raise ValueError("no pictures to show")
    for label, row in rows.items():
        if len(row) != len(columns) or any(picture.dim() != 3 for picture in row):
            raise ValueError(f"row {label!r} must have a picture (C, H, W) in each of {len(columns)} columns")
    cell = (width - bar - LETTER * max(map(len, rows))) / len(columns)
    heights = [cell * max(p.shape[1] / p.shape[2] for p in row) for row in rows.values()]
    figure = Picture(figsize=(width, 1.03 * sum(heights) + 0.3), dpi=DPI)
    axes = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights).tolist()
    close_up(figure)
    for ax in (ax for line in axes for ax in line):
        bare(ax)
    for line, label in zip(axes, rows):
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=6)
    for ax, name in zip(axes[0], columns):
        ax.set_title(name)
    return figure, axes
