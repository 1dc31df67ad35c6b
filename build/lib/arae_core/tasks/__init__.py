"""A trained encoder and generator at work."""

from arae_core.tasks.autoencoder import Autoencoder

__all__ = ["Autoencoder"]
