"""Fast adversarial training: one step from a random start (Wong, Rice & Kolter 2020, Algorithm 3).

    delta ~ uniform in the ball;   delta <- project(delta + 1.25 eps * steepest(gradient at x + delta))

A single large step makes the attack of an update as cheap as an update: 2 of the 2 * 1 + 3 = 5 F, where F is a forward
pass; PGD with k steps takes (2k + 3) F. The random start and the step a little longer than the radius are what
keeps it from failing, most of the time; the alarm of `overfitting_alarm` is there for the rest.

The paper has the linf ball. Its l2 analogue here: a uniform point of the l2 ball, and a step of 1.25 eps along
the gradient. The attack sees the network in evaluation mode, as everywhere in the book (the authors' sees it in
training mode), and the learning rate follows `schedule`.
"""

from dataclasses import dataclass
from pathlib import Path

import torch.nn.functional as F
from torch import nn

from arae_core.data import LabelledImages
from arae_core.systems.fast_training.overfitting_alarm import Alarm, Watch
from arae_core.training import distributed
from arae_core.training.classifier import Attack, ClassifierConfig, descend, perturb, ready
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "classifier"


@dataclass(frozen=True)
class FastConfig(ClassifierConfig):
    """A `ClassifierConfig` whose attack is one step from a random start, see `fgsm_rs`, and an alarm.

    Raises:
        ValueError: no attack; one of several steps, or without its random start, or that may return the start.
    """

    alarm: Alarm = Alarm()

    def __post_init__(self) -> None:
        attack = self.attack
        if not attack or attack.steps != 1 or not attack.random_start or attack.keep_best or attack.warmup:
            raise ValueError("the attack is one step from a random start: give it attack=fgsm_rs(norm, eps)")


def fgsm_rs(norm: str, eps: float) -> Attack:
    """FGSM with a random start: the authors' attack, its step 1.25 eps long."""
    return Attack(norm, eps, steps=1, step_size=1.25 * eps, random_start=True)


def train_fast(
    model: nn.Module,
    data: LabelledImages,
    config: FastConfig,
    *,
    seed: int,
    state_file: Path | None = None,
    title: str = "classifier",
) -> History:
    """Train in place, arguments and errors as `train_classifier`.

    Returns one {"epoch", "loss", "accuracy", "pgd_accuracy", "seconds"} an epoch: loss and accuracy under the one
    step, and the accuracy of the epoch's end on the alarm's images under PGD. If the alarm stopped the training,
    the last has "alarm": 1.0, and the weights are those of the epoch with the highest "pgd_accuracy".
    """
    device, optimizer = next(model.parameters()).device, ready(model, config)
    run = Run.over(data, config, seed, device, state_file, title)
    learner = distributed.learner(model)
    assert config.attack is not None  # as the configuration has checked
    watch, total_steps = Watch(model, data, config, config.alarm, seed), run.total_steps
    for x, y in run.steps({"model": model, "best": watch.best}, {"sgd": optimizer}):
        set_rate(optimizer, config.lr * factor(config.schedule, run.global_step, total_steps, run.epoch))
        with mixed_precision(device, config.precision):
            logits = learner(perturb(model, x, y, config.attack))
        loss = F.cross_entropy(logits.float(), y)
        descend(model, optimizer, loss, config)
        run.log(loss=loss, accuracy=(logits.argmax(1) == y).float().mean())
        watch.after_step(run)
    watch.settle(run.history)
    return run.history
