"""What generators and critics are trained on (A, Eq. 3 to 7), and priors for pixels that are optimised themselves."""

from .adversarial import critic_loss, generator_loss
from .gram import gram_loss, gram_matrix
from .inversion import InversionWeights, feature_loss, inversion_loss, pixel_loss
from .per_image import per_image_loss
from .priors import alpha_norm, total_variation

__all__ = [
    "InversionWeights",
    "alpha_norm",
    "critic_loss",
    "feature_loss",
    "generator_loss",
    "gram_loss",
    "gram_matrix",
    "inversion_loss",
    "per_image_loss",
    "pixel_loss",
    "total_variation",
]
