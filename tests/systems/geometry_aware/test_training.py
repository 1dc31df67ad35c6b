"""Geometry-aware reweighted adversarial training: the weights by hand, the count, the burn-in."""

import dataclasses

import pytest
import torch
from torch import nn

from arae_core.networks import VGG16, AlexNet
from arae_core.systems.geometry_aware import GeometryAwareConfig, geometry_weights, train_geometry_aware
from arae_core.systems.geometry_aware.training import perturb_and_count
from arae_core.training import Attack, ClassifierConfig, find_else_train, train_classifier
from tests.training.interrupted import Killed, KilledAt, same

LINF = Attack("linf", eps=0.05, steps=3, step_size=0.02, random_start=True)
RECIPE = dict(epochs=2, batch_size=16, lr=0.05, attack=LINF)


def built(build, seed=0):
    torch.manual_seed(seed)
    return build()


def test_weights_of_a_batch_computed_by_hand():
    """K = 10, Lambda = -1: u = 4, 1, -1, -6, and tanh u = 0.9993293, 0.7615942, -0.7615942, -0.9999877.

    So (tanh u + 1) / 2 = 0.9996646, 0.8807971, 0.1192029, 0.0000061, which sum to 1.9996708.
    """
    w = geometry_weights(torch.tensor([0, 3, 5, 10]), steps=10)
    by_hand = torch.tensor([1.9996584, 1.7618842, 0.2384451, 0.0000123])
    torch.testing.assert_close(w, by_hand, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("shift", [-100.0, -1.0, 0.0, 2.0, 100.0])
def test_weights_sum_to_the_batch_and_fall_in_kappa(shift):
    w = geometry_weights(torch.arange(11), steps=10, shift=shift)
    assert w.sum().item() == pytest.approx(11, rel=1e-5) and torch.isfinite(w).all()
    assert (w.diff() <= 0).all()


def test_alike_counts_weigh_one_each():
    for kappa in (0, 4, 10):
        torch.testing.assert_close(geometry_weights(torch.full((7,), kappa), steps=10), torch.ones(7))


def test_bad_counts_are_named():
    pytest.raises(ValueError, geometry_weights, torch.zeros(2, 3), steps=10).match("one count an image")
    pytest.raises(ValueError, geometry_weights, torch.zeros(3), steps=0).match("out of 0")


class Brightness(nn.Module):
    """Says class 0 where an image's mean is below 0.5, class 1 above: every step of an attack can be followed."""

    def forward(self, x):
        mean = x.mean(dim=(1, 2, 3))
        return torch.stack([0.5 - mean, mean - 0.5], dim=1)


def test_kappa_counts_iterates_before_each_step():
    """Class 0, four steps of 0.1 upwards, boundary at 0.5: the first image is at 0.29, 0.39, 0.49, 0.59, then 0.69."""
    x = torch.tensor([0.29, 0.44, 0.59, 0.04]).view(4, 1, 1, 1).expand(4, 3, 2, 2).contiguous()
    attack = Attack("linf", eps=0.4, steps=4, step_size=0.1)
    x_adv, kappa = perturb_and_count(Brightness(), x, torch.zeros(4, dtype=torch.int64), attack)
    assert kappa.tolist() == [3, 1, 0, 4]
    torch.testing.assert_close(x_adv, x + 0.4)


def test_stays_inside_the_ball_and_the_pixels(tiny):
    x, y = tiny.batch(torch.arange(32))
    model = AlexNet(32, 4, 0.25).train()
    x_adv, kappa = perturb_and_count(model, x, y, LINF)
    assert (x_adv - x).abs().max() <= LINF.eps + 1e-6 and 0 <= x_adv.min() and x_adv.max() <= 1
    assert kappa.dtype == torch.int64 and 0 <= kappa.min() and kappa.max() <= LINF.steps
    assert all(module.training for module in model.modules())


def test_batch_statistics_are_left_alone_by_the_attack(tiny):
    x, y = tiny.batch(torch.arange(16))
    model = VGG16(32, 4, 0.0625).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    perturb_and_count(model, x, y, LINF)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_burn_in_is_plain_adversarial_training_bit_for_bit(tiny, build):
    plain, burning = built(build), built(build)
    train_classifier(plain, tiny, ClassifierConfig(**RECIPE), seed=0)
    history = train_geometry_aware(burning, tiny, GeometryAwareConfig(**RECIPE, burn_in=1.0), seed=0)
    assert same(plain, burning) and {"loss", "accuracy", "kappa"} <= history[0].keys()


def test_the_weights_come_after_the_burn_in(tiny, build, monkeypatch):
    asked = []

    def noted(kappa, steps, shift):
        asked.append(shift)
        return geometry_weights(kappa, steps, shift)

    monkeypatch.setattr("arae_core.systems.geometry_aware.training.geometry_weights", noted)
    recipe = {**RECIPE, "epochs": 4}
    half, all_plain = built(build), built(build)
    train_geometry_aware(half, tiny, GeometryAwareConfig(**recipe, burn_in=0.5, shift=0.5), seed=0)
    train_classifier(all_plain, tiny, ClassifierConfig(**recipe), seed=0)
    assert asked == [0.5] * 12  # the last two of four epochs of six steps
    assert not same(half, all_plain)


def test_an_update_weighs_each_images_gradient(tiny, build):
    """One step of SGD without momentum, decay or clipping: its direction is the weighted mean gradient."""
    config = GeometryAwareConfig(epochs=1, batch_size=96, lr=0.1, schedule="constant", momentum=0, weight_decay=0,
                                 clip=0, precision="fp32", burn_in=0.0, attack=dataclasses.replace(LINF, random_start=False))
    trained, still = built(build), built(build)
    ((x, y),) = tiny.batches(96)
    x_adv, kappa = perturb_and_count(still.eval(), x, y, config.attack)
    assert 0 < kappa.float().std()
    losses = nn.functional.cross_entropy(still(x_adv), y, reduction="none")
    (losses @ geometry_weights(kappa, 3) / 96).backward()
    train_geometry_aware(trained, tiny, config, seed=0)
    for moved, p in zip(trained.parameters(), still.parameters(), strict=True):
        torch.testing.assert_close(moved, p - 0.1 * p.grad, rtol=1e-4, atol=1e-6)


def test_killed_run_resumes_bit_identically(tiny, tmp_path):
    config = GeometryAwareConfig(**{**RECIPE, "epochs": 3}, burn_in=0.4)
    whole, broken, again = (built(lambda: VGG16(32, 4, 0.0625), seed) for seed in (0, 0, 99))
    train_geometry_aware(whole, tiny, config, seed=3)
    with pytest.raises(Killed):
        train_geometry_aware(broken, KilledAt(tiny, 14), config, seed=3, state_file=tmp_path / "state")
    train_geometry_aware(again, tiny, config, seed=3, state_file=tmp_path / "state")
    assert same(whole, again)


def test_found_or_trained_under_a_key_of_its_own(tiny, build):
    recipe = {**RECIPE, "epochs": 1}
    plain = find_else_train(build, train_classifier, tiny, ClassifierConfig(**recipe), seed=0)
    weighted = find_else_train(build, train_geometry_aware, tiny, GeometryAwareConfig(**recipe, burn_in=0.0), seed=0)
    other = find_else_train(build, train_geometry_aware, tiny, GeometryAwareConfig(**recipe, burn_in=0.0, shift=0.0), seed=0)
    assert len({plain.key, weighted.key, other.key}) == 3 and not other.found
    assert find_else_train(build, train_geometry_aware, tiny, GeometryAwareConfig(**recipe, burn_in=0.0), seed=0).found
    assert "kappa" in weighted.history[0] and "kappa" not in plain.history[0]


@pytest.mark.parametrize("wrong, message", [
    (dict(attack=None), "give it attack"),
    (dict(attack=Attack("l2", 1.0, 2, 0.5, keep_best=True)), "last one"),
    (dict(attack=LINF, burn_in=60), "share of the epochs"),
])
def test_what_cannot_be_meant_is_refused(wrong, message):
    pytest.raises(ValueError, GeometryAwareConfig, **wrong).match(message)
