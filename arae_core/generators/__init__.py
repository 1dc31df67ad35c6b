"""g: generators that map features back to images in [0, 1]."""

from arae_core.generators.alexnet_inverter import alexnet_inverter
from arae_core.generators.dcgan import DCGenerator
from arae_core.generators.deepsim import DeepSimGenerator
from arae_core.generators.mirror import mirror
from arae_core.generators.wavelet_decoder import WaveletDecoder

__all__ = [
    "DCGenerator", "DeepSimGenerator", "WaveletDecoder", "alexnet_inverter", "mirror",
]
