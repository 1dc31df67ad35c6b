"""A trained encoder and generator at work."""

from arae_core.tasks.any_size import AnySize
from arae_core.tasks.autoencoder import Autoencoder
from arae_core.tasks.classical_denoisers import classical_denoiser, searched_strength
from arae_core.tasks.denoise import Denoiser

__all__ = ["AnySize", "Autoencoder", "Denoiser", "classical_denoiser", "searched_strength"]
