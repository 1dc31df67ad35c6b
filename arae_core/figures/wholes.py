"""Whole pictures, each in its own shape, and maps of where reconstructions of them are wrong."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from .grids import SMALL
from .style import DPI, Picture, styled

Rows = Mapping[str, Sequence[Tensor]]


@styled
def picture_rows(rows: Rows, *, columns: Sequence[str], width: float = 7.5) -> Picture:
    """Pictures of different shapes: label to one (3, H, W) in [0,1] for each column, a row as high as its pictures.

    Raises ValueError if there is nothing to show, or a row has not one picture for each column.
    """
    figure, axes = _frames(rows, columns, width)
    for line, pictures in zip(axes, rows.values()):
        for ax, picture in zip(line, pictures):
            smooth = "nearest" if max(picture.shape[1:]) <= SMALL else "antialiased"
            ax.imshow(picture.detach().float().clamp(0, 1).permute(1, 2, 0).cpu().numpy(), interpolation=smooth)
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
    maps = {label: [its.detach().float().abs().mean(dim=0).cpu().numpy() for its in row] for label, row in rows.items()}
    figure, axes = _frames(rows, columns, width, bar=0.9)
    largest = largest or max(float(its.max()) for row in maps.values() for its in row)
    for line, row in zip(axes, maps.values()):
        for ax, its in zip(line, row):
            heat = ax.imshow(its, cmap="magma", vmin=0, vmax=largest, interpolation="antialiased")
    bar = figure.colorbar(heat, ax=[ax for line in axes for ax in line], shrink=0.9, aspect=25)
    bar.set_label("absolute error, mean over colours")
    bar.outline.set_visible(False)
    return figure


def _frames(
    rows: Rows, columns: Sequence[str], width: float, bar: float = 0.0
) -> tuple[Picture, list[list[Axes]]]:
    """Empty labelled axes in the shapes of the pictures; `bar`: inches to be left at the right."""
    if not rows or not columns:
        raise ValueError("no pictures to show")
    for label, row in rows.items():
        if len(row) != len(columns) or any(picture.dim() != 3 for picture in row):
            raise ValueError(f"row {label!r} must have a picture (C, H, W) for each of {len(columns)} columns")
    cell = (width - bar - 0.085 * max(map(len, rows))) / len(columns)
    heights = [cell * max(p.shape[1] / p.shape[2] for p in row) for row in rows.values()]
    figure = Picture(figsize=(width, 1.03 * sum(heights) + 0.3), dpi=DPI)
    axes = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights).tolist()
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
    for ax in (ax for line in axes for ax in line):
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(False)
    for line, label in zip(axes, rows):
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=6)
    for ax, name in zip(axes[0], columns):
        ax.set_title(name)
    return figure, axes
