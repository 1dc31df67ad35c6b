"""What generators and discriminators are trained on (A, Eq. 3 to 7)."""

from .adversarial import discriminator_loss, generator_loss
from .gram import gram_loss, gram_matrix
from .inversion import InversionWeights, feature_loss, inversion_loss, pixel_loss
from .per_image import per_image_loss

__all__ = ["InversionWeights", "discriminator_loss", "feature_loss", "generator_loss", "gram_loss"]
__all__ += ["gram_matrix", "inversion_loss", "per_image_loss", "pixel_loss"]
