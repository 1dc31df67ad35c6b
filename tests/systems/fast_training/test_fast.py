"""FGSM with a random start: one step by hand, and the loop around it."""

import dataclasses

import pytest
import torch

from arae_core.systems.fast_training import Alarm, FastConfig, fgsm_rs, train_fast
from arae_core.training import Attack, ClassifierConfig, train_classifier
from arae_core.training.classifier import perturb
from tests.tiny import Brightness, built
from tests.training.interrupted import same

RECIPE = dict(epochs=2, batch_size=16, lr=0.05, attack=fgsm_rs("linf", 0.05))


def test_the_authors_step_from_a_uniform_point_computed_by_hand_and_no_other():
    """delta = u + 1.25 eps, back to eps: at eps where u > -0.25 eps, which a uniform u is in 5 of 8 cases."""
    assert fgsm_rs("linf", 8 / 255) == Attack("linf", 8 / 255, steps=1, step_size=10 / 255, random_start=True)
    assert fgsm_rs("l2", 1.0).step_size == 1.25
    for other in ({"steps": 2}, {"random_start": False}, {"keep_best": True}, {"warmup": 0.5}):
        attack = dataclasses.replace(fgsm_rs("l2", 1.0), **other)
        pytest.raises(ValueError, FastConfig, attack=attack).match("fgsm_rs")
    pytest.raises(ValueError, FastConfig, attack=None).match("fgsm_rs")
    x, eps = torch.full((64, 3, 16, 16), 0.3), 0.1
    torch.manual_seed(0)
    u = eps * (2 * torch.rand(x.shape) - 1)
    torch.manual_seed(0)
    x_adv = perturb(Brightness(), x, torch.zeros(64, dtype=torch.int64), fgsm_rs("linf", eps))
    torch.testing.assert_close(x_adv, x + (u + 1.25 * eps).clamp(max=eps))
    assert (x_adv > x + 0.99999 * eps).float().mean().item() == pytest.approx(5 / 8, abs=0.01)


def test_training_is_adversarial_training_with_that_attack_bit_for_bit(tiny, build):
    """The alarm looks on and changes nothing, not even the random numbers."""
    plain, fast = built(build), built(build)
    train_classifier(plain, tiny, ClassifierConfig(**RECIPE), seed=0)
    history = train_fast(fast, tiny, FastConfig(**RECIPE, alarm=Alarm(images=10, steps=2, fall=1.0)), seed=0)
    assert same(plain, fast)
    assert [set(epoch) for epoch in history] == [{"epoch", "loss", "accuracy", "pgd_accuracy", "seconds"}] * 2


def test_an_update_takes_two_forward_and_two_backward_passes(tiny, build):
    model, calls = built(build), []
    model.register_forward_hook(lambda *_: calls.append("forward"))
    config = FastConfig(**{**RECIPE, "epochs": 1}, alarm=Alarm(images=16, steps=3))
    train_fast(model, tiny, config, seed=0)
    assert len(calls) == 2 * 6 + (3 + 1)  # six batches; the alarm's three steps and the look at the end
