"""The pair that every chapter compares: two encoders that differ in the attack and in nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from arae_core.networks import Encoder
from arae_core.training.trained import Trained, trained_classifier
from arae_core.training.classifier import Attack, ClassifierConfig


def standard_and_robust(
    build: Callable[[], Encoder], data: Any, recipe: ClassifierConfig, attack: Attack, *, seed: int,
    device: torch.device | str = "cpu",
) -> dict[str, Trained]:
    """{"standard": ..., "robust": ...}: same start, same batches in the same order, same updates.

    Args:
        recipe: without an attack; the robust encoder is trained by the same one with `attack`.
    """
    recipes = {"standard": dataclasses.replace(recipe, attack=None),
               "robust": dataclasses.replace(recipe, attack=attack)}
    return {name: trained_classifier(build, data, its, seed=seed, device=device, title=f"{name} encoder")
            for name, its in recipes.items()}
