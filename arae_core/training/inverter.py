"""Train a generator to invert a frozen encoder's features (A, Equations 3 to 7).

    x_hat = g(f(x));   g minimises  pixel loss + feature loss + adversarial loss,
                       d learns to tell (x, z) from (x_hat, z)

Critic and generator take turns, one step each a batch, as in A. Without an adversarial weight
there is no critic; without a feature weight the encoder is not run a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from arae_core.attacks import frozen
from arae_core.networks import Encoder
from arae_core.losses import InversionWeights, critic_loss, inversion_loss
from arae_core.training.codes import with_codes
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate


@dataclass(frozen=True)
class InverterConfig:
    """Recipe of Adam training; defaults for the small generators, A's are in its `paper` profile."""

    layer: str = "conv5"
    weights: InversionWeights = field(default_factory=InversionWeights.per_element)
    epochs: int = 4
    batch_size: int = 128
    lr: float = 2e-3  # A: 3e-4
    critic_lr: float = 2e-3  # A: 1.2e-3
    betas: tuple[float, float] = (0.9, 0.999)  # A: (0, 0.9)
    schedule: str = "one-cycle"  # A: "step"
    augment: str = "none"
    precision: str = "auto"


def train_inverter(
    generator: nn.Module,
    encoder: Encoder,
    data: object,
    config: InverterConfig,
    *,
    seed: int,
    critic: nn.Module | None = None,
    state_file: Path | None = None,
    title: str = "inverter",
) -> History:
    """Train the generator (and critic) in place; the encoder stays as it is.

    Returns one {"epoch", "loss", "pixel", "feature", "adversarial", "critic", "seconds"} an epoch,
    with the parts that the weights ask for.

    Raises:
        ValueError: an adversarial weight without a critic, or the reverse.
        TrainingDiverged, KeyboardInterrupt: as `train_classifier`.
    """
    if (critic is not None) != (config.weights.adversarial > 0):
        raise ValueError(f"adversarial weight {config.weights.adversarial} and "
                         f"{'a' if critic is not None else 'no'} critic do not go together")
    device = next(generator.parameters()).device
    generator.to(memory_format=torch.channels_last).train()
    encoder.to(device=device, memory_format=torch.channels_last)
    modules: dict[str, nn.Module] = {"generator": generator}
    optimizers = {"adam": torch.optim.Adam(generator.parameters(), lr=config.lr, betas=config.betas)}
    if critic is not None:
        modules["critic"] = critic.to(device).train()
        optimizers["critic_adam"] = torch.optim.Adam(critic.parameters(), lr=config.critic_lr, betas=config.betas)
    with frozen(encoder):
        coded = with_codes(data, encoder, config.layer, batch_size=config.batch_size, augment=config.augment,
                           precision=config.precision)
        run = Run(coded or data, config.epochs, config.batch_size, seed, config.augment, device, state_file, title=title)
        for x, z in run.steps(modules, optimizers):
            rate = factor(config.schedule, run.global_step, run.total_steps, run.epoch)
            set_rate(optimizers["adam"], config.lr * rate)
            if coded is None:
                with mixed_precision(device, config.precision), torch.no_grad():
                    z = encoder.features(x, config.layer)
            with mixed_precision(device, config.precision):
                x_hat = generator(z)
            if critic is not None:
                set_rate(optimizers["critic_adam"], config.critic_lr * rate)
                run.log(critic=critic_step(critic, optimizers["critic_adam"], x, x_hat.detach(), z, config))
            with mixed_precision(device, config.precision):
                z_hat = encoder.features(x_hat, config.layer).float() if config.weights.feature > 0 else None
                fake = critic(x_hat, z).float() if critic is not None else None
            loss, parts = inversion_loss(x_hat.float(), x, z_hat, z.float(), fake, config.weights)
            optimizers["adam"].zero_grad()
            loss.backward()
            optimizers["adam"].step()
            run.log(loss=loss, **parts)
    generator.eval()
    return run.history


def critic_step(
    critic: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, x_hat: torch.Tensor, z: torch.Tensor,
    config: InverterConfig,
) -> torch.Tensor:
    """One update of the critic by Equation 7; returns its loss. Both halves see the real image's z."""
    with mixed_precision(x.device, config.precision):
        real, fake = critic(x, z), critic(x_hat, z)
    loss = critic_loss(real.float(), fake.float(), config.weights.reduction)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss
