"""A trained encoder and generator at work."""

from arae_core.tasks.any_size import AnySize
from arae_core.tasks.autoencoder import Autoencoder

__all__ = ["AnySize", "Autoencoder"]
