"""One readable loop per kind of training, and the place that finds a model or else trains it."""

from arae_core.training.classifier import Attack, ClassifierConfig, perturb, train_classifier
from arae_core.training.files import CheckpointError
from arae_core.training.inverter import InverterConfig, train_inverter
from arae_core.training.memory import BatchTooLarge
from arae_core.training.pair import standard_and_robust
from arae_core.training.precision import computes_bf16, mixed_precision, precision_here
from arae_core.training.reference import reference_data, reference_model, reference_models
from arae_core.training.run import History, Recipe, Run, TrainingDiverged
from arae_core.training.trained import Trained, find_else_train, listening

__all__ = ["Attack", "BatchTooLarge", "CheckpointError", "ClassifierConfig", "History", "InverterConfig"]
__all__ += ["Recipe", "Run", "Trained", "TrainingDiverged", "computes_bf16", "find_else_train", "listening"]
__all__ += ["mixed_precision", "perturb", "precision_here", "reference_data", "reference_model"]
__all__ += ["reference_models", "standard_and_robust", "train_classifier", "train_inverter"]
