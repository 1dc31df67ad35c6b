"""What a first step works on and does: an order for each seed and epoch; both networks of an inverter."""

import itertools

import pytest
import torch

from arae_core.losses import InversionWeights, feature_loss, pixel_loss
from arae_core.networks import FeatureDiscriminator, mirror
from arae_core.training import ClassifierConfig, InverterConfig, train_inverter
from arae_core.training.run import Run
from tests.tiny import built
from tests.training.interrupted import same


def test_every_seed_and_every_epoch_has_an_order_of_its_own(tiny):
    def first(seed, epoch):
        return next(iter(Run.over(tiny, ClassifierConfig(epochs=2, batch_size=96), seed).items(epoch)))[0]

    orders = list(itertools.starmap(first, itertools.product((0, 1), repeat=2)))
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(orders, 2))
    assert torch.equal(orders[3], first(1, 1))


def test_an_inverters_first_losses_by_hand(tiny, build):
    """Features of x_hat against those of x; and one update each of the generator and the discriminator."""
    encoder, weights = built(build), InversionWeights(1.0, 0.1, 0.01, "mean")
    g, fresh_g = (built(lambda: mirror(encoder, "conv2")) for _ in range(2))
    d, fresh_d = (built(lambda: FeatureDiscriminator(encoder.feature_shape("conv2"), 32)) for _ in range(2))
    config = InverterConfig(layer="conv2", epochs=1, batch_size=96, weights=weights, precision="fp32")
    (epoch,) = train_inverter(g, tiny, config, encoder=encoder, discriminator=d, seed=0)
    x, _ = tiny.batch(torch.arange(96))
    z = encoder.features(x, "conv2")
    x_hat = fresh_g.train()(z)
    relative = feature_loss(encoder.features(x_hat, "conv2"), z, "mean").item()
    assert epoch["feature"] == pytest.approx(relative, rel=1e-3) and relative > 0.01
    assert epoch["pixel"] == pytest.approx(pixel_loss(x_hat, x, "mean").item(), rel=1e-3)
    assert any(not torch.equal(p, q) for p, q in zip(d.parameters(), fresh_d.parameters())) and not same(g, fresh_g)
