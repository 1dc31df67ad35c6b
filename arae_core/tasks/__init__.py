"""A trained encoder and generator at work."""

from arae_core.tasks.anomaly import OnePassScore, OneVsAll, SearchScore, one_vs_all, scores
from arae_core.tasks.any_size import AnySize
from arae_core.tasks.autoencoder import Autoencoder
from arae_core.tasks.classical_denoisers import classical_denoiser, searched_strength
from arae_core.tasks.denoise import Denoiser
from arae_core.tasks.latent_search import SearchConfig, SearchDiverged, latent_search, white_noise
from arae_core.tasks.patches import in_patches
from arae_core.tasks.style_transfer import StyleTransfer

__all__ = [
    "AnySize", "Autoencoder", "Denoiser", "OnePassScore", "OneVsAll", "SearchConfig", "SearchDiverged",
    "SearchScore", "StyleTransfer", "classical_denoiser", "in_patches", "latent_search", "one_vs_all",
    "scores", "searched_strength", "white_noise",
]
