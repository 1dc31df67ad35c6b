"""The alarm for catastrophic overfitting (Wong, Rice & Kolter 2020, section 5).

An encoder trained against one large step can learn, within an epoch, to fool that step instead of withstanding
it: its loss goes on falling, and against PGD it is suddenly helpless. So at the end of every epoch the encoder
is attacked by PGD on a few images of the training set, always the same. Where its accuracy falls far below the best
so far, training stops and the weights of the best epoch come back.

A rate so high that accuracy goes up and down by itself sets it off as well. That is no catastrophic overfitting, and
tells of itself: then the accuracy under the training's own attack falls too.

The attack on the few images is no part of the authors' cost of fast training: here it is paid for in "seconds".
"""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from tqdm import tqdm

from arae_core.data import Images, LabelledImages
from arae_core.data.places import check_integer
from arae_core.networks import frozen
from arae_core.seeds import derive_seed
from arae_core.training.classifier import Attack, ClassifierConfig
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run


@dataclass(frozen=True)
class Alarm:
    """When to stop. PGD takes `steps` steps of 2.5 eps / steps from a random start, within the training's ball.

    Raises:
        ValueError: no images, no steps, or a fall that is no share of the images.
    """

    images: int = 256
    steps: int = 10
    fall: float = 0.2  # below the best accuracy so far, as a share; 1 lets everything pass

    def __post_init__(self) -> None:
        for name in ("images", "steps"):
            check_integer(f"the alarm's {name}", getattr(self, name))
        if not 0 < self.fall <= 1:
            raise ValueError(f"the alarm's fall is a share of the images, from 0 to 1, not {self.fall!r}")


class Watch:
    """Asks the question of `Alarm` once an epoch, for a training loop.

    `best`, the network as it was after its best epoch, is a module so that a `Run` saves it with the model.
    """

    def __init__(
        self, model: nn.Module, data: LabelledImages, config: ClassifierConfig, alarm: Alarm, seed: int
    ) -> None:
        self.model, self.config, self.alarm = model, config, alarm
        self.best = copy.deepcopy(model)
        self.seed = derive_seed(seed, "alarm")
        self.images = data.take(min(alarm.images, len(data)), seed=self.seed)

    def after_step(self, run: Run) -> None:
        """In an epoch's last step: log "pgd_accuracy" and, if it has fallen, "alarm" = 1; end the run then."""
        if not run.ends_epoch:
            return
        now = pgd_accuracy(self.model, self.images, self.config, self.alarm.steps, self.seed)
        best = max((epoch["pgd_accuracy"] for epoch in run.history), default=0.0)
        run.log(pgd_accuracy=torch.tensor(now))
        if now >= best:
            self.best.load_state_dict(self.model.state_dict())
        elif best - now > self.alarm.fall:
            run.log(alarm=torch.tensor(1.0))
            run.end_with_this_epoch()
            tqdm.write(
                f"{run.title}, alarm for catastrophic overfitting: accuracy under PGD fell from {best:.0%} to "
                f"{now:.0%} in epoch {run.epoch + 1}; stopped, with the weights of the best epoch"
            )

    def settle(self, history: History) -> None:
        """After the last epoch: the best epoch's weights if there was an alarm, else the last one's."""
        if "alarm" in history[-1]:
            self.model.load_state_dict(self.best.state_dict())
        self.model.eval()


def pgd_accuracy(model: nn.Module, images: Images, config: ClassifierConfig, steps: int, seed: int) -> float:
    """Share of the images still classified right after PGD; the model comes back as it was."""
    attack, device = config.attack, next(model.parameters()).device
    assert attack is not None  # as the configuration has checked
    pgd = Attack(attack.norm, attack.eps, steps, 2.5 * attack.eps / steps, random_start=True)
    generator, right = torch.Generator(device).manual_seed(seed), []
    with frozen(model), mixed_precision(device, config.precision):
        for x, y in images.batches(config.batch_size):
            x, y = x.to(device).contiguous(memory_format=torch.channels_last), y.to(device)
            x_adv = pgd.ascend(model, x, y, generator)
            with torch.no_grad():
                right.append(model(x_adv).argmax(1) == y)
    return float(torch.cat(right).double().mean())
