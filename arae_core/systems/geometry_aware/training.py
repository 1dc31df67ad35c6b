"""Geometry-aware instance-reweighted adversarial training, GAIRAT (Zhang et al. 2021).

    min over theta of the mean over (x, y) of  w(kappa) * (-log p(y | x_adv; theta))

An image that the attack turns at once lies near the decision boundary and gets a large weight; one that
withstands every step lies far from it and gets a small one. How near is counted on the way: kappa is the number
of the attack's K iterates, from the random start on and each before its step, that are still classified right.
The robust WideResNet-28-10 of A's Table 3 was trained like this.

Differs from the authors' published model, which adds 500,000 unlabelled images to CIFAR-10: this is their basic
recipe, and the learning rate follows `schedule` as everywhere in the book.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arae_core.data import Images
from arae_core.networks import frozen
from arae_core.training import distributed
from arae_core.training.classifier import Attack, ClassifierConfig, descend, ready
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "classifier"


@dataclass(frozen=True)
class GeometryAwareConfig(ClassifierConfig):
    """A `ClassifierConfig` with an attack and, after a burn-in, weights.

    The authors': Attack("linf", eps=0.031, steps=10, step_size=0.007, random_start=True), 120 epochs of which
    the first 60 are the burn-in, shift -1, lr 0.1, weight_decay 2e-4.

    Raises:
        ValueError: no attack to count in; one that keeps its best iterate, since the loss is taken at the last;
            a burn_in that is no share.
    """

    burn_in: float = 0.5  # share of the epochs in which all weights are 1
    shift: float = -1.0  # Lambda; the larger, the more alike the weights

    def __post_init__(self) -> None:
        if self.attack is None or self.attack.keep_best or self.attack.warmup:
            wanted = "give it attack=Attack(...) without keep_best and warmup"
            raise ValueError(f"an attack's steps are counted, and the last one is learned from: {wanted}")
        if not 0 <= self.burn_in <= 1:
            raise ValueError(f"burn_in is a share of the epochs, between 0 and 1, not {self.burn_in!r}")


def geometry_weights(kappa: Tensor, steps: int, shift: float = -1.0) -> Tensor:
    """w = (tanh(shift + 5 (1 - 2 kappa / K)) + 1) / 2, scaled to sum to the batch size.

    Args:
        kappa: (B,) how many of an image's iterates were classified right, 0 to `steps`.
        steps: K, the attack's.
        shift: Lambda.

    Returns:
        (B,) float weights, falling in kappa, of mean 1.

    Raises:
        ValueError: kappa is no vector of counts, or there are no steps to count.
    """
    if kappa.dim() != 1 or steps < 1:
        got = f"{tuple(kappa.shape)} out of {steps}"
        raise ValueError(f"kappa holds one count an image, (B,), out of at least one step; got {got}")
    u = shift + 5 * (1 - 2 * kappa.float() / steps)
    # (tanh(u) + 1) / 2 is the logistic function of 2u. By its logarithm, tiny weights keep their ratios.
    return len(kappa) * F.logsigmoid(2 * u).softmax(0)


def perturb_and_count(model: nn.Module, x: Tensor, y: Tensor, attack: Attack) -> tuple[Tensor, Tensor]:
    """The attack's last iterate x_adv (B, 3, H, W), and kappa (B,), int64. The model is in evaluation mode."""
    kappa = torch.zeros_like(y)

    def counted(x_adv: Tensor) -> Tensor:  # PGD asks the model once a step, before it takes the step
        logits = model(x_adv)
        kappa.add_(logits.argmax(1) == y)
        return logits

    with frozen(model, weights=False):
        return replace(attack, keep_best=False).ascend(counted, x, y), kappa


def train_geometry_aware(
    model: nn.Module,
    data: Images,
    config: GeometryAwareConfig,
    *,
    seed: int,
    state_file: Path | None = None,
    title: str = "classifier",
) -> History:
    """Train in place, arguments and errors as `train_classifier`.

    Returns one {"epoch", "loss", "accuracy", "kappa", "seconds"} an epoch: the weighted loss, the accuracy at
    the last iterate, and kappa's mean as a share of the steps.
    """
    device, optimizer = next(model.parameters()).device, ready(model, config)
    run = Run.over(data, config, seed, device, state_file, title)
    learner = distributed.learner(model)
    attack = config.attack
    assert attack is not None  # as the configuration has checked
    for x, y in run.steps({"model": model}, {"sgd": optimizer}):
        set_rate(optimizer, config.lr * factor(config.schedule, run.global_step, run.total_steps, run.epoch))
        with mixed_precision(device, config.precision):
            x_adv, kappa = perturb_and_count(model, x, y, attack)
            logits = learner(x_adv)
        w = torch.ones(len(y), device=device)
        if run.epoch >= config.burn_in * config.epochs:
            w = geometry_weights(kappa, attack.steps, config.shift)
        loss = (w * F.cross_entropy(logits.float(), y, reduction="none")).mean()
        descend(model, optimizer, loss, config)
        run.log(loss=loss, accuracy=(logits.argmax(1) == y).float().mean())
        run.log(kappa=kappa.float().mean() / attack.steps)
    model.eval()
    return run.history
