"""Geometry-aware reweighted adversarial training: the weights by hand, the count, the burn-in."""

import dataclasses
from unittest.mock import Mock

import pytest
import torch
from torch import nn

from arae_core.systems.geometry_aware import GeometryAwareConfig, geometry_weights, train_geometry_aware
from arae_core.systems.geometry_aware.training import perturb_and_count
from arae_core.training import Attack, ClassifierConfig, train_classifier
from tests.tiny import Brightness, built, untouched
from tests.training.interrupted import same

LINF = Attack("linf", eps=0.05, steps=3, step_size=0.02, random_start=True)
RECIPE = dict(epochs=2, batch_size=16, lr=0.05, attack=LINF)


def test_weights_of_a_batch_computed_by_hand():
    """u = 4, 1, -1, -6; (tanh u + 1) / 2 = 0.9996646, 0.8807971, 0.1192029, 0.0000061, together 1.9996708."""
    w = geometry_weights(torch.tensor([0, 3, 5, 10]), steps=10)
    by_hand = torch.tensor([1.9996584, 1.7618842, 0.2384451, 0.0000123])
    torch.testing.assert_close(w, by_hand, rtol=2e-6, atol=1e-7)


def test_weights_sum_to_the_batch_and_fall_in_kappa_and_bad_counts_are_named():
    for shift in (-100.0, -1.0, 0.0, 2.0, 100.0):
        w = geometry_weights(torch.arange(11), steps=10, shift=shift)
        assert w.sum().item() == pytest.approx(11, rel=1e-5) and w.isfinite().all() and (w.diff() <= 0).all()
    for kappa in (0, 4, 10):
        torch.testing.assert_close(geometry_weights(torch.full((7,), kappa), steps=10), torch.ones(7))
    pytest.raises(ValueError, geometry_weights, torch.zeros(2, 3), steps=10).match("one count an image")
    pytest.raises(ValueError, geometry_weights, torch.zeros(3), steps=0).match("out of 0")


def test_kappa_counts_iterates_before_each_step():
    """Class 0, four steps of 0.1 upwards, boundary at 0.5: the first image is at 0.29, 0.39, 0.49, 0.59, then 0.69."""
    x = torch.tensor([0.29, 0.44, 0.59, 0.04]).view(4, 1, 1, 1).expand(4, 3, 2, 2).contiguous()
    attack = Attack("linf", eps=0.4, steps=4, step_size=0.1)
    model = nn.Sequential(nn.BatchNorm2d(3, eps=1e-9), Brightness()).train()  # its statistics are fresh
    with untouched(model):
        x_adv, kappa = perturb_and_count(model, x, torch.zeros(4, dtype=torch.int64), attack)
    assert kappa.tolist() == [3, 1, 0, 4]
    torch.testing.assert_close(x_adv, x + 0.4)


def test_burn_in_is_plain_adversarial_training_bit_for_bit_then_come_the_weights(tiny, build, monkeypatch):
    noted = Mock(wraps=geometry_weights)
    monkeypatch.setattr("arae_core.systems.geometry_aware.training.geometry_weights", noted)
    plain, burning, half = (built(build) for _ in range(3))
    train_classifier(plain, tiny, ClassifierConfig(**RECIPE), seed=0)
    history = train_geometry_aware(burning, tiny, GeometryAwareConfig(**RECIPE, burn_in=1.0), seed=0)
    assert same(plain, burning) and {"loss", "accuracy", "kappa"} <= history[0].keys()
    train_geometry_aware(half, tiny, GeometryAwareConfig(**RECIPE, burn_in=0.5, shift=0.5), seed=0)
    assert [call.args[2] for call in noted.call_args_list] == [0.5] * 6  # the last of two epochs of six steps
    assert not same(plain, half)


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


def test_what_cannot_be_meant_is_refused():
    best, grows = Attack("l2", 1.0, 2, 0.5, keep_best=True), Attack("l2", 1.0, 2, 0.5, warmup=0.5)
    pytest.raises(ValueError, GeometryAwareConfig, attack=None).match("give it attack")
    for attack in (best, grows):
        pytest.raises(ValueError, GeometryAwareConfig, attack=attack).match("last one")
    pytest.raises(ValueError, GeometryAwareConfig, attack=LINF, burn_in=60).match("share of the epochs")
