"""The pair that every chapter compares: two encoders that differ in the attack and in nothing else."""

import dataclasses
from collections.abc import Callable

import torch

from arae_core.data import Images
from arae_core.networks import Encoder
from arae_core.training.classifier import Attack, ClassifierConfig, train_classifier
from arae_core.training.trained import Trained, find_else_train


def standard_and_robust(
    build: Callable[[], Encoder],
    data: Images,
    recipe: ClassifierConfig,
    attack: Attack,
    *,
    seed: int,
    device: torch.device | str = "cpu",
) -> dict[str, Trained]:
    """{"standard": ..., "robust": ...}: same start, same batches in the same order, same updates.

    Args:
        recipe: without an attack; the robust encoder is trained by the same one with `attack`.
    """
    recipes = {
        "standard": dataclasses.replace(recipe, attack=None),
        "robust": dataclasses.replace(recipe, attack=attack),
    }
    return {
        name: find_else_train(build, train_classifier, data, config, seed=seed, device=device, title=name)
        for name, config in recipes.items()
    }
