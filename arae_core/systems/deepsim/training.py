"""DeePSiM's loop: train a generator on feature, adversarial and image loss (Dosovitskiy and Brox 2016, Eq. 1 to 5).

    L = w_feat ||C(G(z)) - C(x)||^2 + w_adv (-log D(G(z), z)) + w_img ||G(z) - x||^2

with the encoder itself as the comparator C. The discriminator learns by Equation 3, and pauses in any step in
which its loss is less than a tenth of the adversarial one: a discriminator that always wins teaches nothing. With the
image loss alone the same loop is Dosovitskiy and Brox's earlier method ("Inverting Visual Representations with
Convolutional Networks", 2016): squared error in pixels, and no discriminator.

Departures. C sums over a batch and its weights are not in its text; ours belong to *means*, the feature term
relative to the features' own mean square, as in `losses.inversion`. Which weights is for a search to say. Both
networks learn from one pass of the discriminator, taken before either moves. Section 3.2 names an initial
learning rate without its schedule; here it is one of `training.schedule`'s.
"""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from arae_core.data import Images
from arae_core.losses import discriminator_loss, feature_loss, generator_loss
from arae_core.networks import Encoder, frozen
from arae_core.training import distributed
from arae_core.training.inverter import opponents
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "generator"


@dataclass(frozen=True)
class DeepSimWeights:
    """Weights of the three terms as means; a term of weight 0 is left out. image alone: Dosovitskiy and Brox."""

    image: float = 1.0
    feature: float = 0.0
    adversarial: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.image, self.feature, self.adversarial)
        if not all(isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
            raise ValueError(f"loss weights are finite, not negative and not all 0; got {self}")


@dataclass(frozen=True)
class DeepSimConfig:
    """Recipe of Adam training; defaults for small images, C's in the comments."""

    layer: str = "conv5"
    weights: DeepSimWeights = DeepSimWeights()
    epochs: int = 4  # C: 500,000 to 1,000,000 steps
    batch_size: int = 64  # C: 64
    lr: float = 1e-3  # C: 2e-4, for both networks
    discriminator_lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)  # C's
    pause_below: float = 0.1  # C's; of the adversarial loss: below, the discriminator rests
    schedule: str = "one-cycle"
    augment: str = "none"
    precision: str = "auto"


def train_deepsim(
    generator: nn.Module,
    data: Images,
    config: DeepSimConfig,
    *,
    encoder: Encoder,
    discriminator: nn.Module | None = None,
    seed: int,
    state_file: Path | None = None,
    title: str = "deepsim",
) -> History:
    """Train the generator (and discriminator) in place; the encoder stays as it is.

    Returns one {"epoch", "loss", "image", "feature", "adversarial", "discriminator", "discriminator_moved", "seconds"} an epoch,
    with the terms that the weights ask for; "discriminator_moved" is the share of steps in which it was not paused.

    Raises:
        ValueError: an adversarial weight without a discriminator, or the reverse.
        TrainingDiverged, KeyboardInterrupt: as `train_classifier`.
    """
    weight, rates = config.weights.adversarial, (config.lr, config.discriminator_lr)
    modules, optimizers = opponents(generator, discriminator, weight, rates, config.betas)
    device = next(generator.parameters()).device
    encoder.to(device).to(memory_format=torch.channels_last)
    if discriminator is not None:
        discriminator.to(memory_format=torch.channels_last)
    adam, opposing = optimizers["adam"], optimizers.get("discriminator_adam")
    run = Run.over(data, config, seed, device, state_file, title)
    g = distributed.learner(generator)
    d = distributed.learner(discriminator) if discriminator is not None else None
    with frozen(encoder):
        for x, _ in run.steps(modules, optimizers):
            rate = factor(config.schedule, run.global_step, run.total_steps, run.epoch)
            set_rate(adam, config.lr * rate)
            with mixed_precision(device, config.precision):
                with torch.no_grad():
                    z = encoder.features(x, config.layer)
                x_hat = g(z)
                z_hat = encoder.features(x_hat, config.layer) if config.weights.feature else None
                real = d(x, z) if d is not None else None
                fake = d(x_hat, z) if d is not None else None
            terms = deepsim_terms(x_hat, x, z_hat, z, fake, config.weights)
            loss = sum(getattr(config.weights, name) * term for name, term in terms.items())
            adam.zero_grad()
            loss.backward(inputs=list(generator.parameters()), retain_graph=discriminator is not None)
            if opposing is not None and real is not None and fake is not None:
                set_rate(opposing, config.discriminator_lr * rate)
                moved, judged = discriminator_step(opposing, real, fake, terms["adversarial"], config)
                run.log(discriminator=judged, discriminator_moved=torch.tensor(float(moved)))
            adam.step()
            run.log(loss=loss, **terms)
    generator.eval()
    return run.history


def deepsim_terms(
    x_hat: Tensor, x: Tensor, z_hat: Tensor | None, z: Tensor, fake: Tensor | None, weights: DeepSimWeights
) -> dict[str, Tensor]:
    """The unweighted terms that have a weight, as means in float32.

    x_hat, x: (B, 3, H, W), x_hat linear and unclamped. z_hat, z: their features. fake: logits (B, 1) of x_hat.
    """
    terms = {}
    if weights.image:
        terms["image"] = mse_loss(x_hat.float(), x)
    if weights.feature:
        assert z_hat is not None
        terms["feature"] = feature_loss(z_hat.float(), z.float(), "mean")
    if weights.adversarial:
        assert fake is not None
        terms["adversarial"] = generator_loss(fake.float(), "mean")
    return terms


def discriminator_step(
    optimizer: torch.optim.Optimizer, real: Tensor, fake: Tensor, adversarial: Tensor, config: DeepSimConfig
) -> tuple[bool, Tensor]:
    """Update the discriminator by Equation 3, unless it is far ahead; returns whether it moved, and its loss."""
    loss = discriminator_loss(real.float(), fake.float(), "mean")
    moves = bool(loss >= config.pause_below * adversarial)
    if moves:
        optimizer.zero_grad()
        loss.backward(inputs=optimizer.param_groups[0]["params"])  # the discriminator's alone
        optimizer.step()
    return moves, loss
