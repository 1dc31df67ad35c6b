"""What is looked at: grids of images, curves, sliders. The only place that imports matplotlib.

Every function returns a figure or a widget and shows nothing; as a cell's last line it displays itself.
"""

from .curves import accuracy_curve, measure_curves, spread_curve, sweep_curves, training_curves
from .dots import difference_dots
from .files import save_picture, to_png
from .grids import error_maps, gradient_image, image_grid, perturbation, picture_rows
from .roc import roc_curves
from .scatter import cost_scatter
from .sliders import frame_slider, live_slider
from .style import COLOURS, Picture

__all__ = ["COLOURS", "Picture", "save_picture", "to_png", "frame_slider", "live_slider"]
__all__ += ["error_maps", "gradient_image", "image_grid", "perturbation", "picture_rows"]
__all__ += ["accuracy_curve", "measure_curves", "spread_curve", "sweep_curves", "training_curves"]
__all__ += ["cost_scatter", "difference_dots", "roc_curves"]
