"""Inversion without a generator: the picture itself is optimised, with and without priors."""

from arae_core.systems.rivals.per_image import (
    ImagesDiverged,
    Optimised,
    PriorInversion,
    RobustInversion,
    optimise_images,
)
from arae_core.systems.rivals.priors import alpha_norm, total_variation

__all__ = ["ImagesDiverged", "Optimised", "PriorInversion", "RobustInversion", "alpha_norm"]
__all__ += ["optimise_images", "total_variation"]
