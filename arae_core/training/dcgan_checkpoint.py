"""Find it, else train it, for DCGAN's generators: `checkpoint.trained_inverter` with another loop, and no encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from arae_core.generators.dcgan import initialise_dcgan
from arae_core.losses import critic_loss
from arae_core.training.checkpoint import Trained, architecture, built, find_else_train, model_card, model_key
from arae_core.training.dcgan import DCGANConfig, train_dcgan
from arae_core.training.run import History
from arae_core.training.schedule import factor

DCGAN_CODE = (train_dcgan, critic_loss, factor, initialise_dcgan)  # whose modules decide the weights


def trained_dcgan(
    build: Callable[[], nn.Module], build_critic: Callable[[], nn.Module], data: Any, config: DCGANConfig, *,
    seed: int, device: torch.device | str = "cpu", title: str = "dcgan",
) -> Trained:
    """A generator of images like those of `data`: found, else trained."""
    generator = built(build, seed, "generator").to(device)
    critic = built(build_critic, seed, "critic").to(device)
    key = model_key("dcgan", generator, config, data, seed, code=DCGAN_CODE, critic=architecture(critic))

    def train(state_file: Path) -> History:
        return train_dcgan(generator, critic, data, config, seed=seed, state_file=state_file, title=title)

    return find_else_train(generator, f"dcgan-{key}", train, model_card(config, data, seed, device))
