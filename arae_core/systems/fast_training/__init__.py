"""Adversarial training at the cost of ordinary training: FGSM from a random start, Free-m, and their alarm."""

from arae_core.systems.fast_training.fast import FastConfig, fgsm_rs, train_fast
from arae_core.systems.fast_training.free import FreeConfig, train_free
from arae_core.systems.fast_training.overfitting_alarm import Alarm

__all__ = ["Alarm", "FastConfig", "FreeConfig", "fgsm_rs", "train_fast", "train_free"]
