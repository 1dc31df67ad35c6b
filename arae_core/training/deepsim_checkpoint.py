"""Find it, else train it, for DeePSiM's generators: `checkpoint.trained_inverter` with the other loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from arae_core.attacks import frozen
from arae_core.encoders import Encoder
from arae_core.losses import critic_loss, feature_loss
from arae_core.training import safefile
from arae_core.training.checkpoint import Trained, architecture, built, find_else_train, model_card, model_key
from arae_core.training.deepsim import DeepSimConfig, train_deepsim
from arae_core.training.rearranged import rearranged
from arae_core.training.run import History
from arae_core.training.schedule import factor

DEEPSIM_CODE = (train_deepsim, feature_loss, critic_loss, frozen, factor)  # whose modules decide the weights


def trained_deepsim(
    build: Callable[[], nn.Module], encoder: Encoder, data: Any, config: DeepSimConfig, *, seed: int,
    build_critic: Callable[[], nn.Module] | None = None,
    device: torch.device | str = "cpu", title: str = "deepsim",
) -> Trained:
    """A generator that inverts `encoder` at `config.layer`, trained by DeePSiM's loop: found, else trained.

    The encoder enters the key by its weights. build_critic: needed if, and only if, there is an adversarial weight.
    """
    generator = built(build, seed, "generator").to(device)
    critic = built(build_critic, seed, "critic").to(device) if build_critic is not None else None
    key = model_key("deepsim", generator, config, data, seed, code=DEEPSIM_CODE,
                    critic=architecture(critic) if critic is not None else None,
                    encoder=safefile.digest(encoder.state_dict()))

    def train(state_file: Path) -> History:
        with rearranged(encoder):
            return train_deepsim(generator, encoder, data, config, seed=seed, critic=critic,
                                 state_file=state_file, title=title)

    return find_else_train(generator, f"deepsim-{key}", train, model_card(config, data, seed, device))
