"""DeePSiM (Dosovitskiy and Brox 2016): a generator trained on feature, adversarial and image loss."""

from arae_core.systems.deepsim.discriminator import DeepSimDiscriminator
from arae_core.systems.deepsim.generator import DeepSimGenerator
from arae_core.systems.deepsim.training import DeepSimConfig, DeepSimWeights, train_deepsim

__all__ = ["DeepSimConfig", "DeepSimDiscriminator", "DeepSimGenerator", "DeepSimWeights", "train_deepsim"]
