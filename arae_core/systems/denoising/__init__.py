"""Denoising with a frozen encoder whose poolings are Haar analyses (A, section 4.2)."""

from arae_core.systems.denoising.classical_denoisers import classical_denoiser, searched_strength
from arae_core.systems.denoising.denoise import Denoiser
from arae_core.systems.denoising.haar import haar_analysis, haar_synthesis
from arae_core.systems.denoising.training import DenoiserConfig, denoising_loss, train_denoiser
from arae_core.systems.denoising.wavelet_decoder import WaveletDecoder
from arae_core.systems.denoising.wavelet_encoder import WaveletEncoder

__all__ = ["Denoiser", "DenoiserConfig", "WaveletDecoder", "WaveletEncoder", "classical_denoiser"]
__all__ += ["denoising_loss", "haar_analysis", "haar_synthesis", "searched_strength", "train_denoiser"]
