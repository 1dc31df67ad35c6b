"""d: critics that tell real images from generated ones."""

from arae_core.critics.dcgan_critic import DCCritic
from arae_core.critics.deepsim_critic import DeepSimCritic
from arae_core.critics.feature_critic import FeatureCritic

__all__ = ["DCCritic", "DeepSimCritic", "FeatureCritic"]
