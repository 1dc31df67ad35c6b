"""Free adversarial training, Free-m (Shafahi et al. 2019, Algorithm 1).

    repeat m times for each batch:   g_theta, g_x <- gradients of the loss at x + delta, by one backward pass
                                     theta <- an SGD step along g_theta
                                     delta <- project(delta + eps * steepest(g_x))

Every update of the weights gives a step of the attack for nothing. To make up for the m updates a batch, the data
are gone through m times less often, so that the work is that of ordinary training. delta is never drawn anew: it
goes on from replay to replay, and from a batch's images to the next batch's.

The gradient of the weights is taken in training mode, so the attack's, which is the same, is too: batch norm uses
the batch's statistics, and dropout drops. The paper has the linf ball; its l2 analogue here is a step of length
eps along the gradient. Gradients are taken at the image clamped to [0, 1], as everywhere in the book.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from arae_core.attacks import ball
from arae_core.data import LabelledImages
from arae_core.networks import Encoder
from arae_core.systems.fast_training.overfitting_alarm import Alarm, Watch
from arae_core.training import distributed
from arae_core.training.classifier import ClassifierConfig, descend, ready
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "classifier"


@dataclass(frozen=True)
class FreeConfig(ClassifierConfig):
    """A `ClassifierConfig` with m = `replays` updates a batch; of its attack, the norm, eps and the one step's size.

    The authors': Attack("linf", eps=8/255, steps=1, step_size=8/255) and m = 8 on CIFAR-10, m = 4 on ImageNet.

    Raises:
        ValueError: no attack; one with several steps, a random start or a best step, since there is one step a
            replay and it starts where the last one ended; a number of replays that is not whole, or above the epochs.
    """

    replays: int = 4
    alarm: Alarm = Alarm()

    def __post_init__(self) -> None:
        attack, m = self.attack, self.replays
        if attack is None or attack.steps != 1 or attack.random_start or attack.keep_best or attack.warmup:
            wanted = "give it attack=Attack(norm, eps, steps=1, step_size=eps)"
            raise ValueError(f"free training takes one step a replay, where the last one ended: {wanted}")
        if type(m) is not int or m < 1:
            raise ValueError(f"a batch is replayed m times, a whole number of at least 1, not {m!r}")
        if m > self.epochs:
            way_out = "take fewer replays or more epochs"
            raise ValueError(f"{m} replays of each batch are more work than {self.epochs} epochs: {way_out}")

    @property
    def passes(self) -> int:
        """How often the data are gone through, the epochs by the replays, rounded up."""
        return -(-self.epochs // self.replays)


def train_free(
    model: Encoder,
    data: LabelledImages,
    config: FreeConfig,
    *,
    seed: int,
    state_file: Path | None = None,
    title: str = "classifier",
) -> History:
    """Train in place, arguments and errors as `train_classifier`; history and alarm as `train_fast`, an "epoch"
    being one of `config.passes` passes over the data, with all replays.

    model: an `Encoder`, its `image_size` is that of the data.
    """
    optimizer = ready(model, config)
    weight, m, attack = next(model.parameters()), config.replays, config.attack
    assert attack is not None  # as the configuration has checked
    run = Run.over(data, config, seed, weight.device, state_file, title, epochs=config.passes)
    learner = distributed.learner(model)
    watch, updates = Watch(model, data, config, config.alarm, seed), m * run.total_steps
    carried, within = Carried(config.batch_size, model.image_size, like=weight), ball(attack.norm, attack.eps)
    for x, y in run.steps({"model": model, "best": watch.best, "carried": carried}, {"sgd": optimizer}):
        delta = carried.delta[: len(x)]  # a batch may be short of an unreadable image
        for replay in range(m):
            update = m * run.global_step + replay
            set_rate(optimizer, config.lr * factor(config.schedule, update, updates, m * run.epoch))
            x_adv = (x + delta).clamp(0, 1).requires_grad_()
            with mixed_precision(weight.device, config.precision):
                logits = learner(x_adv)
            loss = F.cross_entropy(logits.float(), y)
            descend(model, optimizer, loss, config)  # x_adv too gets its gradient
            assert x_adv.grad is not None
            delta.copy_(within.project(delta + attack.step_size * within.steepest(x_adv.grad)))
            run.log(loss=loss, accuracy=(logits.argmax(1) == y).float().mean())
        watch.after_step(run)
    watch.settle(run.history)
    return run.history


class Carried(nn.Module):
    """delta, (B, 3, S, S), which outlives its batch: a module so that a `Run` saves it with the model."""

    delta: torch.Tensor

    def __init__(self, batch_size: int, image_size: int, like: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("delta", like.new_zeros(batch_size, 3, image_size, image_size))
