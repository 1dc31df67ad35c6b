"""Free adversarial training: m replays by hand, one pass a replay, delta carried on."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from arae_core.attacks import ball
from arae_core.networks import VGG16
from arae_core.systems.fast_training import FreeConfig, train_free
from arae_core.training import Attack, find_else_train
from tests.tiny import built

STEP = {"linf": Attack("linf", 0.05, steps=1, step_size=0.05), "l2": Attack("l2", 1.0, steps=1, step_size=1.0)}
RECIPE = dict(epochs=4, batch_size=16, lr=0.05, attack=STEP["linf"], replays=2)
BARE = dict(schedule="constant", momentum=0, weight_decay=0, clip=0, precision="fp32")


class InDouble:
    """A data set whose images come in double precision, and are noted."""

    def __init__(self, data):
        self.data, self.seen = data, []

    def __len__(self):
        return len(self.data)

    def take(self, *args, **kwargs):
        return InDouble(self.data.take(*args, **kwargs))

    def batches(self, *args, **kwargs):
        for x, y in self.data.batches(*args, **kwargs):
            self.seen.append((x.double(), y))
            yield self.seen[-1]


def by_hand(model, batches, m, attack, lr):
    """Algorithm 1 with separate gradients for the weights and for delta."""
    within, delta = ball(attack.norm, attack.eps), 0.0
    for x, y in batches:
        for _ in range(m):
            x_adv = (x + delta).clamp(0, 1).requires_grad_()
            g_theta = torch.autograd.grad(F.cross_entropy(model(x_adv), y), list(model.parameters()))
            (g_x,) = torch.autograd.grad(F.cross_entropy(model(x_adv), y, reduction="sum"), x_adv)
            with torch.no_grad():
                for p, g in zip(model.parameters(), g_theta, strict=True):
                    p -= lr * g
            delta = within.project(delta + attack.step_size * within.steepest(g_x))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("m, batch_size", [(1, 96), (3, 96), (3, 48)])
def test_replays_computed_by_hand(tiny, build, norm, m, batch_size):
    """One batch, and two between which delta is carried on; plain SGD in double precision."""
    trained, expected, start = (built(build).double() for _ in range(3))
    config = FreeConfig(epochs=m, replays=m, batch_size=batch_size, lr=0.1, attack=STEP[norm], **BARE)
    data = InDouble(tiny)
    train_free(trained, data, config, seed=0)
    assert len(data.seen) == 96 // batch_size
    by_hand(expected, data.seen, m, STEP[norm], 0.1)
    for ours, theirs, before in zip(trained.parameters(), expected.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(ours - before, theirs - before, rtol=1e-4, atol=1e-9)


def test_one_forward_and_one_backward_pass_a_replay_and_the_data_so_much_less_often(tiny):
    """Six batches, three replays each, once over the data, in training mode; the alarm moves no weight."""
    model, forward, backward = built(lambda: VGG16(32, 4, 0.0625)), [], []
    model.register_forward_hook(lambda *_: forward.append(1) if model.training else None)
    next(model.parameters()).register_post_accumulate_grad_hook(lambda *_: backward.append(1))
    train_free(model, tiny, FreeConfig(**{**RECIPE, "epochs": 3, "replays": 3}), seed=0)
    assert len(forward) == len(backward) == 6 * 3
    assert {int(m.num_batches_tracked) for m in model.modules() if isinstance(m, nn.BatchNorm2d)} == {6 * 3}
    for epochs, replays, passes in ((4, 2, 2), (5, 2, 3), (5, 5, 1), (5, 1, 5), (90, 4, 23)):
        assert FreeConfig(epochs=epochs, replays=replays, attack=STEP["l2"]).passes == passes


def test_it_learns(tiny, build):
    history = find_else_train(build, train_free, tiny, FreeConfig(**{**RECIPE, "epochs": 24}), seed=0).history
    assert history[-1]["pgd_accuracy"] > 0.9 and len(history) == 12


@pytest.mark.parametrize("wrong, message", [(dict(attack=None), "give it attack"),
    *((dict(attack=replace(STEP["linf"], **other)), "one step a replay")
      for other in ({"steps": 2}, {"random_start": True}, {"keep_best": True}, {"warmup": 0.5})),
    *((dict(attack=STEP["l2"], replays=replays), "whole number") for replays in (0, 2.0, True)),
    (dict(attack=STEP["l2"], replays=6, epochs=5), "fewer replays or more epochs"),
])
def test_what_cannot_be_meant_is_refused(wrong, message):
    pytest.raises(ValueError, FreeConfig, **wrong).match(message)
