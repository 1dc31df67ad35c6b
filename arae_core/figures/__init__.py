"""What is looked at: grids of images, curves, sliders. The only place that imports matplotlib.

Every function returns a figure or a widget and shows nothing; as a cell's last line it displays itself.
"""

from .curves import accuracy_curve, measure_curves, spread_curve, training_curves
from .files import save_picture, to_png
from .grids import gradient_image, image_grid, perturbation
from .growth import growth_curves
from .roc import roc_curves
from .scatter import cost_scatter
from .sliders import frame_slider, live_slider
from .style import COLOURS, Picture
from .sweep_curves import sweep_curves
from .wholes import error_maps, picture_rows

__all__ = [
    "COLOURS",
    "Picture",
    "accuracy_curve",
    "cost_scatter",
    "error_maps",
    "frame_slider",
    "gradient_image",
    "growth_curves",
    "image_grid",
    "live_slider",
    "measure_curves",
    "perturbation",
    "picture_rows",
    "roc_curves",
    "save_picture",
    "spread_curve",
    "sweep_curves",
    "to_png",
    "training_curves",
]
