"""Geometry-aware instance-reweighted adversarial training (Zhang et al. 2021)."""

from arae_core.systems.geometry_aware.training import (
    GeometryAwareConfig,
    geometry_weights,
    perturb_and_count,
    train_geometry_aware,
)

__all__ = ["GeometryAwareConfig", "geometry_weights", "perturb_and_count", "train_geometry_aware"]
