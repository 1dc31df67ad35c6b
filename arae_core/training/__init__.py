"""One readable loop per kind of training, and the place that finds a model or else trains it."""

from arae_core.training.cards import CardError, ModelCard, model_cards
from arae_core.training.trained import Trained, trained_classifier, trained_inverter
from arae_core.training.classifier import Attack, ClassifierConfig, train_classifier
from arae_core.systems.anomaly.dcgan_training import DCGANConfig, train_dcgan
from arae_core.training.dcgan_checkpoint import trained_dcgan
from arae_core.systems.deepsim.training import DeepSimConfig, DeepSimWeights, train_deepsim
from arae_core.training.deepsim_checkpoint import trained_deepsim
from arae_core.systems.denoising.training import DenoiserConfig, denoising_loss, train_denoiser
from arae_core.training.denoiser_checkpoint import trained_denoiser
from arae_core.systems.fast_training.fast import FastConfig, fgsm_rs, train_fast
from arae_core.systems.fast_training.free import FreeConfig, train_free
from arae_core.systems.geometry_aware.training import GeometryAwareConfig, geometry_weights, train_geometry_aware
from arae_core.training.inverter import InverterConfig, train_inverter
from arae_core.systems.fast_training.overfitting_alarm import Alarm
from arae_core.training.pair import standard_and_robust
from arae_core.systems.rivals.per_image import Optimised, PriorInversion, RobustInversion, optimise_images
from arae_core.training.precision import computes_bf16, mixed_precision, precision_here
from arae_core.training.reference import reference_model
from arae_core.training.run import TrainingDiverged
from arae_core.training.files import CheckpointError

__all__ = [
    "Alarm", "Attack", "CardError", "CheckpointError", "ClassifierConfig", "DCGANConfig", "DeepSimConfig",
    "DeepSimWeights", "DenoiserConfig", "FastConfig", "FreeConfig", "GeometryAwareConfig", "InverterConfig",
    "ModelCard", "Optimised", "PriorInversion", "RobustInversion", "Trained", "TrainingDiverged", "computes_bf16",
    "denoising_loss", "fgsm_rs", "geometry_weights", "mixed_precision", "model_cards", "optimise_images",
    "precision_here", "reference_model", "standard_and_robust", "train_classifier", "train_dcgan", "train_deepsim",
    "train_denoiser", "train_fast", "train_free", "train_geometry_aware", "train_inverter", "trained_classifier",
    "trained_dcgan", "trained_deepsim", "trained_denoiser", "trained_inverter",
]
