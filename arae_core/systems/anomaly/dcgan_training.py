"""DCGAN's loop (Radford, Metz and Chintala 2016): a generator of images like those of the training set.

    d minimises  -log d(x) - log(1 - d(g(z))),     g minimises  -log d(g(z)),     z ~ N(0, 1)

one step each a batch, both with Adam, beta1 0.5. The paper draws z uniformly; ADGAN (Deecke et al. 2018), for which
it is trained here, from a normal distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from arae_core.losses import critic_loss, generator_loss
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate


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
    generator: nn.Module,
    critic: nn.Module,
    data: object,
    config: DCGANConfig,
    *,
    seed: int,
    state_file: Path | None = None,
    title: str = "dcgan",
) -> History:
    """Train both in place; the generator has its codes' shape as `code_shape`.

    Returns one {"epoch", "adversarial", "critic", "seconds"} an epoch.

    Raises:
        TrainingDiverged, KeyboardInterrupt: as `train_classifier`.
    """
    device = next(generator.parameters()).device
    generator.to(memory_format=torch.channels_last).train()
    critic.to(device, memory_format=torch.channels_last).train()
    adam, critic_adam = (torch.optim.Adam(its.parameters(), lr=config.lr, betas=config.betas)
                         for its in (generator, critic))
    run = Run(data, config.epochs, config.batch_size, seed, config.augment, device, state_file, title=title)
    for x, _ in run.steps({"generator": generator, "critic": critic}, {"adam": adam, "critic_adam": critic_adam}):
        rate = config.lr * factor(config.schedule, run.global_step, run.total_steps, run.epoch)
        set_rate(adam, rate)
        set_rate(critic_adam, rate)
        with mixed_precision(device, config.precision):
            x_hat = generator(torch.randn(len(x), *generator.code_shape, device=device))
            real, fake = critic(x), critic(x_hat.detach())
        judged = critic_loss(real.float(), fake.float(), "mean")
        critic_adam.zero_grad()
        judged.backward()
        critic_adam.step()
        with mixed_precision(device, config.precision):
            fooled = critic(x_hat)
        adversarial = generator_loss(fooled.float(), "mean")
        adam.zero_grad()
        adversarial.backward(inputs=list(generator.parameters()))
        adam.step()
        run.log(adversarial=adversarial, critic=judged)
    generator.eval()
    return run.history
