"""Anomaly detection in one class against the rest: latent search under a generator of robust features
(A, section 4.3), and ADGAN's with a DCGAN."""

from arae_core.systems.anomaly.anomaly import OnePassScore, OneVsAll, SearchScore, one_vs_all, scores
from arae_core.systems.anomaly.dcgan_discriminator import DCDiscriminator
from arae_core.systems.anomaly.dcgan_generator import DCGenerator
from arae_core.systems.anomaly.dcgan_training import DCGANConfig, train_dcgan
from arae_core.systems.anomaly.latent_search import (
    Found,
    SearchConfig,
    SearchDiverged,
    latent_search,
    white_noise,
)

__all__ = ["DCDiscriminator", "DCGANConfig", "DCGenerator", "Found", "OnePassScore", "OneVsAll"]
__all__ += ["SearchConfig", "SearchDiverged", "SearchScore", "latent_search", "one_vs_all", "scores"]
__all__ += ["train_dcgan", "white_noise"]
