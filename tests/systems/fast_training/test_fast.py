"""FGSM with a random start: one step, inside the ball; and the loop around it."""

import dataclasses

import pytest
import torch
from torch import nn

from arae_core.networks import VGG16, AlexNet
from arae_core.systems.fast_training import Alarm, FastConfig, fgsm_rs, train_fast
from arae_core.training import Attack, ClassifierConfig, find_else_train, train_classifier
from arae_core.training.classifier import perturb
from tests.training.interrupted import Killed, KilledAt, same

RECIPE = dict(epochs=2, batch_size=16, lr=0.05, attack=fgsm_rs("linf", 0.05))


def built(build, seed=0):
    torch.manual_seed(seed)
    return build()


def length(delta, norm):
    return delta.flatten(1).norm(dim=1, p=2 if norm == "l2" else float("inf"))


def test_the_authors_step():
    assert fgsm_rs("linf", 8 / 255) == Attack("linf", 8 / 255, steps=1, step_size=10 / 255, random_start=True)
    assert fgsm_rs("l2", 1.0).step_size == 1.25


@pytest.mark.parametrize("norm, eps", [("linf", 0.05), ("linf", 0.3), ("l2", 1.0), ("l2", 20.0)])
def test_stays_inside_the_ball_and_the_pixels(tiny, norm, eps):
    x, y = tiny.batch(torch.arange(32))
    x_adv = perturb(built(lambda: AlexNet(32, 4, 0.25)).train(), x, y, fgsm_rs(norm, eps))
    assert length(x_adv - x, norm).max() <= eps * (1 + 1e-5) and 0 <= x_adv.min() and x_adv.max() <= 1
    assert length(x_adv - x, norm).min() > eps / 2  # it goes somewhere


class Brightness(nn.Module):
    """Linear in the image's mean: the gradient of any loss has one sign in all pixels."""

    def forward(self, x):
        mean = x.mean(dim=(1, 2, 3))
        return torch.stack([0.5 - mean, mean - 0.5], dim=1)


def test_one_step_from_a_uniform_point_computed_by_hand():
    """delta = u + 1.25 eps, back to eps: at eps where u > -0.25 eps, which a uniform u is in 5 of 8 cases."""
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


def test_killed_run_resumes_bit_identically(tiny, tmp_path):
    config = FastConfig(**{**RECIPE, "epochs": 3})
    whole, broken, again = (built(lambda: VGG16(32, 4, 0.0625), seed) for seed in (0, 0, 99))
    expected = train_fast(whole, tiny, config, seed=3)
    with pytest.raises(Killed):
        train_fast(broken, KilledAt(tiny, 14), config, seed=3, state_file=tmp_path / "state")
    history = train_fast(again, KilledAt(tiny, 100), config, seed=3, state_file=tmp_path / "state")
    assert same(whole, again)
    assert [epoch["pgd_accuracy"] for epoch in history] == [epoch["pgd_accuracy"] for epoch in expected]


def test_found_or_trained_under_a_key_of_its_own(tiny, build):
    recipe = {**RECIPE, "epochs": 1}
    plain = find_else_train(build, train_classifier, tiny, ClassifierConfig(**recipe), seed=0)
    fast = find_else_train(build, train_fast, tiny, FastConfig(**recipe), seed=0)
    other = find_else_train(build, train_fast, tiny, FastConfig(**recipe, alarm=Alarm(fall=0.3)), seed=0)
    assert len({plain.key, fast.key, other.key}) == 3 and not other.found
    assert find_else_train(build, train_fast, tiny, FastConfig(**recipe), seed=0).found
    assert "pgd_accuracy" in fast.history[0] and "pgd_accuracy" not in plain.history[0]


@pytest.mark.parametrize("attack", [
    None,
    dataclasses.replace(fgsm_rs("l2", 1.0), steps=2),
    dataclasses.replace(fgsm_rs("l2", 1.0), random_start=False),
    dataclasses.replace(fgsm_rs("l2", 1.0), keep_best=True),
])
def test_other_attacks_are_refused(attack):
    pytest.raises(ValueError, FastConfig, attack=attack).match("fgsm_rs")
