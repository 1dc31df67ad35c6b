"""Train an encoder as a classifier, on clean images or against an attack (A, Equation 2; Madry et al. 2018).

    min over theta of the mean over (x, y) of  max over ||delta|| <= eps of  -log p(y | x + delta; theta)

The inner maximum is found by PGD; with no attack the same loop is ordinary training. Standard and
robust encoders therefore differ in the attack and in nothing else.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arae_core.attacks import ascend, ball
from arae_core.attacks.pgd import Classifier, check_radius
from arae_core.data import Images
from arae_core.networks import frozen
from arae_core.training import distributed
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "classifier"


@dataclass(frozen=True)
class Attack:
    """PGD as used in training; eps and step_size in [0, 1] pixels.

    The robust encoder of A: Attack("l2", eps=3, steps=7, step_size=0.5, keep_best=True) at 224 pixels, where eps is
    inferred from the script that evaluates it. No step after a random start is noise of the attack's length. With a
    warmup, a share of the training's steps, both lengths grow from nothing over that share, and then stay: where classes
    are many, a network that meets the whole attack at once may learn nothing (so too Debenedetti et al. 2023).
    """

    norm: str
    eps: float
    steps: int
    step_size: float
    random_start: bool = False
    keep_best: bool = False
    warmup: float = 0.0

    def __post_init__(self) -> None:
        ball(self.norm, 0.0)
        for name in ("eps", "step_size"):
            check_radius(getattr(self, name), self.norm, 10**12, name)
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup is a share of the training, from 0 to below 1, not {self.warmup!r}")
        least = 0 if self.random_start else 1
        if type(self.steps) is not int or self.steps < least:
            raise ValueError(f"an attack takes a step, or starts at random, got steps = {self.steps!r}")

    def at(self, progress: float) -> "Attack":
        """The attack when `progress` in [0, 1] of the training is over."""
        if progress >= self.warmup:
            return self
        grown = progress / self.warmup
        return replace(self, eps=self.eps * grown, step_size=self.step_size * grown)

    def ascend(
        self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """x_adv of one batch, as `attacks.ascend` finds it; the caller freezes the model."""
        return ascend(
            model,
            x,
            y,
            ball(self.norm, self.eps),
            steps=self.steps,
            step_size=self.step_size,
            random_start=self.random_start,
            keep_best=self.keep_best,
            generator=generator,
        )


@dataclass(frozen=True)
class ClassifierConfig:
    """Recipe of SGD training; defaults are those of the small encoders, A's are in its `paper` profile."""

    epochs: int = 5
    batch_size: int = 128
    lr: float = 0.1  # A: 0.1
    schedule: str = "one-cycle"  # A: "step", a tenth every 30 epochs
    momentum: float = 0.9
    weight_decay: float = 5e-4  # A: 1e-4
    clip: float = 1.0  # longest gradient, l2 over all weights; 0 clips nothing (A)
    augment: str = "none"
    precision: str = "auto"
    attack: Attack | None = None  # None: a standard encoder


def train_classifier(
    model: nn.Module,
    data: Images,
    config: ClassifierConfig,
    *,
    seed: int,
    state_file: Path | None = None,
    title: str = "classifier",
) -> History:
    """Train in place; returns one {"epoch", "loss", "accuracy", "seconds"} an epoch.

    Args:
        model: classifier of [0, 1] images; its device is used.
        data: images and labels, see `arae_core.data`.
        state_file: unfinished training is saved there and resumed from there.

    Raises:
        ValueError: a config that cannot be meant, see `ready`.
        TrainingDiverged: the loss became NaN or infinite.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the state was saved.
    """
    device, optimizer = next(model.parameters()).device, ready(model, config)
    run = Run.over(data, config, seed, device, state_file, title)
    learner = distributed.learner(model)
    for x, y in run.steps({"model": model}, {"sgd": optimizer}):
        set_rate(optimizer, config.lr * factor(config.schedule, run.global_step, run.total_steps, run.epoch))
        attack = config.attack and config.attack.at(run.global_step / run.total_steps)
        with mixed_precision(device, config.precision):
            x_adv = perturb(model, x, y, attack) if attack else x
            logits = learner(x_adv)
        loss = F.cross_entropy(logits.float(), y)
        descend(model, optimizer, loss, config)
        run.log(loss=loss, accuracy=(logits.argmax(1) == y).float().mean())
    model.eval()
    return run.history


def perturb(model: nn.Module, x: Tensor, y: Tensor, attack: Attack) -> Tensor:
    """The inner maximum of Equation 2 for one batch, found by PGD with the model in evaluation mode."""
    with frozen(model, weights=False):
        return attack.ascend(model, x, y)


def ready(model: nn.Module, config: ClassifierConfig) -> torch.optim.SGD:
    """The recipe's optimiser, whose rate each step sets anew; the model is put into training mode, in channels_last order.

    Raises ValueError for epochs or a batch size below 1, or an attack's radius that cannot be meant.
    """
    if config.epochs < 1 or config.batch_size < 1:
        raise ValueError(f"epochs and batch_size are at least 1, not {config.epochs} and {config.batch_size}")
    if config.attack is not None and (side := getattr(model, "image_size", None)):
        check_radius(config.attack.eps, config.attack.norm, 3 * side**2)
    model.to(memory_format=torch.channels_last).train()
    return torch.optim.SGD(model.parameters(), config.lr, config.momentum, weight_decay=config.weight_decay)


def descend(model: nn.Module, optimizer: torch.optim.SGD, loss: Tensor, config: ClassifierConfig) -> None:
    """One step down the loss's gradient, which is cut to the recipe's length."""
    optimizer.zero_grad()
    loss.backward()
    if config.clip:
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
