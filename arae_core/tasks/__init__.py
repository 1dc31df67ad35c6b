"""A trained encoder and generator at work."""

from arae_core.tasks.anomaly import OnePassScore, OneVsAll, SearchScore, one_vs_all, scores
from arae_core.tasks.any_size import AnySize
from arae_core.tasks.autoencoder import Autoencoder
from arae_core.tasks.latent_search import SearchConfig, SearchDiverged, latent_search, white_noise
from arae_core.tasks.style_transfer import StyleTransfer

__all__ = [
    "AnySize", "Autoencoder", "OnePassScore", "OneVsAll", "SearchConfig", "SearchDiverged", "SearchScore",
    "StyleTransfer", "latent_search", "one_vs_all", "scores", "white_noise",
]
