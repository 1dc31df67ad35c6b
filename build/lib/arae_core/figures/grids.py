"""Images side by side, and what cannot be seen as it is: perturbations and gradients made visible."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .style import Picture, panels, styled

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
    rows = dict(rows) if isinstance(rows, Mapping) else dict(enumerate(rows))
    if not rows:
        raise ValueError("no rows of images to show")
    for label, images in rows.items():
        if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
            raise ValueError(f"row {label!r} must be (N, 3, H, W), not {tuple(images.shape)}")
        low, high = images.min().item(), images.max().item()
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            raise ValueError(
                f"row {label!r} spans [{low:.3g}, {high:.3g}], images are in [0,1]: "
                "perturbation() and gradient_image() bring signed values there"
            )
    most = max(len(images) for images in rows.values())
    if columns is not None and len(columns) != most:
        raise ValueError(f"{len(columns)} column labels for {most} columns")
    names = [label if isinstance(label, str) else "" for label in rows]
    margin = 0.085 * max(map(len, names))  # inches that the row labels take
    cell = (width - margin) / most
    height = cell * len(rows) * 1.03 + (0.22 if columns else 0) + (0.24 if title else 0)
    figure, axes = panels(len(rows), most, width, height)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
    for r, (name, images) in enumerate(zip(names, rows.values())):
        images = images.detach().float().clamp(0, 1).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).cpu().numpy()
        for c in range(most):
            ax = axes[r][c]
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            ax.spines[:].set_visible(False)
            if c < len(images):
                smooth = "nearest" if max(images.shape[1:3]) <= SMALL else "antialiased"
                ax.imshow(images[c], interpolation=smooth)
            if c == 0 and name:
                ax.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
            if r == 0 and columns is not None:
                ax.set_title(columns[c])
    if title:
        figure.suptitle(title)
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
