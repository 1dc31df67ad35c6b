"""What generators and critics are trained on: pixel, feature and adversarial losses (A, Eq. 3 to 7)."""

from .adversarial import critic_loss, generator_loss
from .inversion import InversionWeights, feature_loss, inversion_loss, pixel_loss

__all__ = [
    "InversionWeights",
    "critic_loss",
    "feature_loss",
    "generator_loss",
    "inversion_loss",
    "pixel_loss",
]
