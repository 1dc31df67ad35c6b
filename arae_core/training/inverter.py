"""Train a generator to invert a frozen encoder's features (A, Equations 3 to 7).

    x_hat = g(f(x));   g minimises  pixel loss + feature loss + adversarial loss,
                       d learns to tell (x, z) from (x_hat, z)

Discriminator and generator take turns, one step each a batch, as in A. Without an adversarial weight
there is no discriminator; without a feature weight the encoder is not run a second time.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from arae_core.data import Images
from arae_core.losses import InversionWeights, discriminator_loss, inversion_loss
from arae_core.networks import Encoder, frozen
from arae_core.training import distributed
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "generator"


@dataclass(frozen=True)
class InverterConfig:
    """Recipe of Adam training; defaults for the small generators, A's are in its `paper` profile."""

    layer: str = "conv5"
    weights: InversionWeights = InversionWeights.per_element()
    epochs: int = 4
    batch_size: int = 128
    lr: float = 2e-3  # A: 3e-4
    discriminator_lr: float = 2e-3  # A: 1.2e-3
    betas: tuple[float, float] = (0.9, 0.999)  # A: (0, 0.9)
    schedule: str = "one-cycle"  # A: "step"
    augment: str = "none"
    precision: str = "auto"


def train_inverter(
    generator: nn.Module,
    data: Images,
    config: InverterConfig,
    *,
    encoder: Encoder,
    discriminator: nn.Module | None = None,
    seed: int,
    state_file: Path | None = None,
    title: str = "inverter",
) -> History:
    """Train the generator (and discriminator) in place; the encoder stays as it is.

    Returns one {"epoch", "loss", "pixel", "feature", "adversarial", "discriminator", "seconds"} an epoch,
    with the parts that the weights ask for.

    Raises:
        ValueError: an adversarial weight without a discriminator, or the reverse.
        TrainingDiverged, KeyboardInterrupt: as `train_classifier`.
    """
    weight, rates = config.weights.adversarial, (config.lr, config.discriminator_lr)
    modules, optimizers = opponents(generator, discriminator, weight, rates, config.betas)
    device = next(generator.parameters()).device
    encoder.to(device).to(memory_format=torch.channels_last)
    adam, opposing = optimizers["adam"], optimizers.get("discriminator_adam")
    run = Run.over(data, config, seed, device, state_file, title)
    g = distributed.learner(generator)
    d = distributed.learner(discriminator) if discriminator is not None else None
    with frozen(encoder):
        for x, _ in run.steps(modules, optimizers):
            rate = factor(config.schedule, run.global_step, run.total_steps, run.epoch)
            set_rate(adam, config.lr * rate)
            with mixed_precision(device, config.precision), torch.no_grad():
                z = encoder.features(x, config.layer)
            with mixed_precision(device, config.precision):
                x_hat = g(z)
            if d is not None and opposing is not None:
                set_rate(opposing, config.discriminator_lr * rate)
                run.log(discriminator=discriminator_step(d, opposing, x, x_hat.detach(), z, config))
            with mixed_precision(device, config.precision):
                z_hat = encoder.features(x_hat, config.layer).float() if config.weights.feature > 0 else None
                fake = discriminator(x_hat, z).float() if discriminator is not None else None
            loss, parts = inversion_loss(x_hat.float(), x, z_hat, z.float(), fake, config.weights)
            adam.zero_grad()
            loss.backward()
            adam.step()
            run.log(loss=loss, **parts)
    generator.eval()
    return run.history


def opponents(
    generator: nn.Module,
    discriminator: nn.Module | None,
    weight: float,
    rates: tuple[float, float],
    betas: tuple[float, float],
) -> tuple[dict[str, nn.Module], dict[str, Optimizer]]:
    """Both networks, or the generator alone, in training mode, and an Adam for each, by the names that a run saves.

    Raises ValueError unless there is a discriminator just where there is an adversarial weight.
    """
    if (discriminator is not None) != (weight > 0):
        opponent = "no" if discriminator is None else "a"
        raise ValueError(f"adversarial weight {weight} and {opponent} discriminator do not go together")
    networks = {"generator": generator.to(memory_format=torch.channels_last).train()}
    if discriminator is not None:
        networks["discriminator"] = discriminator.to(next(generator.parameters()).device).train()
    pairs = zip(("adam", "discriminator_adam"), networks.values(), rates)
    return networks, {name: Adam(network.parameters(), lr, betas) for name, network, lr in pairs}


def discriminator_step(
    discriminator: nn.Module,
    optimizer: Optimizer,
    x: Tensor,
    x_hat: Tensor,
    z: Tensor,
    config: InverterConfig,
) -> Tensor:
    """One update of the discriminator by Equation 7; returns its loss. Both halves see the real image's z."""
    with mixed_precision(x.device, config.precision):
        real, fake = discriminator(x, z), discriminator(x_hat, z)
    loss = discriminator_loss(real.float(), fake.float(), config.weights.reduction)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss
