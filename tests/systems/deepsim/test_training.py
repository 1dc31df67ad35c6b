"""DeePSiM's loop: its terms, its gradient, and a discriminator that rests when it should."""

import dataclasses

import pytest
import torch

from arae_core.systems.deepsim import DeepSimConfig, DeepSimDiscriminator, DeepSimGenerator, DeepSimWeights
from arae_core.systems.deepsim.training import deepsim_terms, train_deepsim
from tests.tiny import built
from tests.training.interrupted import same

ALL = DeepSimWeights(image=1.0, feature=0.1, adversarial=0.01)
CONFIG = DeepSimConfig(epochs=2, batch_size=32, weights=ALL)
SHAPE = (64, 2, 2)


def networks():
    torch.manual_seed(0)
    return DeepSimGenerator(SHAPE, 32, width=0.1), DeepSimDiscriminator(SHAPE, 32, width=0.2)


def test_terms_by_hand_and_weights_that_cannot_be_meant():
    x, x_hat = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    z, z_hat = torch.full((2, 4), 2.0), torch.full((2, 4), 3.0)
    terms = deepsim_terms(x_hat, x, z_hat, z, torch.zeros(2, 1), ALL)
    assert terms["image"].item() == 0.25 and terms["feature"].item() == 0.25
    assert terms["adversarial"].item() == pytest.approx(0.6931472)
    assert set(deepsim_terms(x_hat, x, None, z, None, DeepSimWeights())) == {"image"}
    for weights in ({"image": 0.0}, {"feature": -1.0}, {"adversarial": float("nan")}):
        pytest.raises(ValueError, DeepSimWeights, **weights).match("weights")


@pytest.mark.parametrize("pause_below, moved", [(0.0, 1.0), (1e9, 0.0)])
def test_the_discriminator_rests_when_it_is_far_ahead(tiny, build, pause_below, moved):
    (generator, discriminator), (_, fresh) = networks(), networks()
    config = dataclasses.replace(CONFIG, pause_below=pause_below)
    given = dict(encoder=built(build).eval(), discriminator=discriminator, seed=0)
    history = train_deepsim(generator, tiny, config, **given)
    assert [epoch["discriminator_moved"] for epoch in history] == [moved, moved]
    assert same(discriminator, fresh) == (moved == 0.0)


def test_the_generators_gradient_is_that_of_the_whole_loss(tiny, build):
    """One step of SGD by hand against the loop's Adam: equal in direction, since Adam's first step is the sign."""
    encoder, (generator, discriminator) = built(build).eval(), networks()
    again, its_discriminator = networks()
    config = DeepSimConfig(epochs=1, batch_size=96, weights=ALL, schedule="constant", precision="fp32", lr=1e-4)
    train_deepsim(generator, tiny, config, encoder=encoder, seed=0, discriminator=discriminator.eval())
    x, _ = next(iter(tiny.batches(96)))
    z = encoder.features(x, "conv5").detach()
    torch.manual_seed(0)
    x_hat = again.train()(z)
    terms = deepsim_terms(x_hat, x, encoder.features(x_hat, "conv5"), z, its_discriminator.eval()(x_hat, z), ALL)
    (terms["image"] + 0.1 * terms["feature"]).backward()
    for new, old in zip(generator.parameters(), again.parameters()):
        clear = old.grad.abs() > 0.2 * old.grad.abs().max()  # the discriminator's dropout differs, and weighs little
        assert ((new - old)[clear].sign() == -old.grad[clear].sign()).float().mean() > 0.97
