"""DCGAN's loop (Radford, Metz and Chintala 2016): a generator of images like those of the training set.

    d minimises  -log d(x) - log(1 - d(g(z))),     g minimises  -log d(g(z)),     z ~ N(0, 1)

one step each a batch, both with Adam, beta1 0.5. The paper draws z uniformly; ADGAN (Deecke et al. 2018), for which
it is trained here, from a normal distribution.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from arae_core.data import Images
from arae_core.losses import discriminator_loss, generator_loss
from arae_core.systems.anomaly.dcgan_generator import DCGenerator
from arae_core.training import distributed
from arae_core.training.inverter import opponents
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "generator"


@dataclass(frozen=True)
class DCGANConfig:
    """Recipe; defaults for small images and few steps, the paper's in the comments."""

    epochs: int = 20
    batch_size: int = 64  # the paper: 128
    lr: float = 1e-3  # the paper: 2e-4, for both networks
    betas: tuple[float, float] = (0.5, 0.999)
    schedule: str = "one-cycle"  # the paper: "constant"
    augment: str = "none"
    precision: str = "auto"


def train_dcgan(
    generator: DCGenerator,
    data: Images,
    config: DCGANConfig,
    *,
    discriminator: nn.Module,
    seed: int,
    state_file: Path | None = None,
    title: str = "dcgan",
) -> History:
    """Train both in place; the generator has its codes' shape as `code_shape`.

    Returns one {"epoch", "adversarial", "discriminator", "seconds"} an epoch.

    Raises:
        TrainingDiverged, KeyboardInterrupt: as `train_classifier`.
    """
    device = next(generator.parameters()).device
    discriminator.to(memory_format=torch.channels_last)
    networks, optimizers = opponents(generator, discriminator, 1.0, (config.lr, config.lr), config.betas)
    adam, opposing = optimizers.values()
    run = Run.over(data, config, seed, device, state_file, title)
    g, d = distributed.learner(generator), distributed.learner(discriminator)
    for x, _ in run.steps(networks, optimizers):
        rate = config.lr * factor(config.schedule, run.global_step, run.total_steps, run.epoch)
        set_rate(adam, rate)
        set_rate(opposing, rate)
        with mixed_precision(device, config.precision):
            x_hat = g(torch.randn(len(x), *generator.code_shape, device=device))
            real, fake = d(x), d(x_hat.detach())
        judged = discriminator_loss(real.float(), fake.float(), "mean")
        opposing.zero_grad()
        judged.backward()
        opposing.step()
        with mixed_precision(device, config.precision):
            fooled = discriminator(x_hat)
        adversarial = generator_loss(fooled.float(), "mean")
        adam.zero_grad()
        adversarial.backward(inputs=list(generator.parameters()))
        adam.step()
        run.log(adversarial=adversarial, discriminator=judged)
    generator.eval()
    return run.history
