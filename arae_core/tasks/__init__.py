"""A trained encoder and generator at work."""

from arae_core.tasks.any_size import AnySize
from arae_core.tasks.autoencoder import Autoencoder
from arae_core.tasks.style_transfer import StyleTransfer

__all__ = ["AnySize", "Autoencoder", "StyleTransfer"]
