"""Find it, else train it, for denoisers: `checkpoint.trained_inverter` with the denoiser's loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from arae_core.attacks import frozen
from arae_core.data.noise import clipped_noise
from arae_core.encoders import Encoder, WaveletEncoder
from arae_core.encoders.haar import haar_analysis
from arae_core.generators.blocks import initialise
from arae_core.losses import feature_loss
from arae_core.training import safefile
from arae_core.training.checkpoint import Trained, built, find_else_train, model_card, model_key
from arae_core.training.denoiser import DenoiserConfig, train_denoiser
from arae_core.training.run import History
from arae_core.training.schedule import factor

# whose modules decide the weights
DENOISER_CODE = (train_denoiser, clipped_noise, haar_analysis, WaveletEncoder, feature_loss, frozen, factor, initialise)


def trained_denoiser(
    build: Callable[[], nn.Module], encoder: Encoder, data: Any, config: DenoiserConfig, *, seed: int,
    device: torch.device | str = "cpu", title: str = "denoiser",
) -> Trained:
    """A decoder that denoises with `encoder`'s wavelet features at `config.layer`: found, else trained.

    The encoder enters the key by its weights, so any change of it means another decoder.
    """
    decoder = built(build, seed, "denoiser").to(device)
    key = model_key("denoiser", decoder, config, data, seed, code=DENOISER_CODE,
                    encoder=safefile.digest(encoder.state_dict()))

    def train(state_file: Path) -> History:
        return train_denoiser(decoder, encoder, data, config, seed=seed, state_file=state_file, title=title)

    return find_else_train(decoder, f"denoiser-{key}", train, model_card(config, data, seed, device))
