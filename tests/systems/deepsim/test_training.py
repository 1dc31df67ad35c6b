"""DeePSiM's loop: it learns, its discriminator rests when it should, a killed run resumes bit for bit."""

import dataclasses

import pytest
import torch

from arae_core.systems.deepsim import (
    DeepSimConfig,
    DeepSimDiscriminator,
    DeepSimGenerator,
    DeepSimWeights,
    train_deepsim,
)
from arae_core.systems.deepsim.training import deepsim_terms
from arae_core.training import find_else_train
from tests.training.interrupted import Killed, KilledAt, same

ALL = DeepSimWeights(image=1.0, feature=0.1, adversarial=0.01)
CONFIG = DeepSimConfig(epochs=2, batch_size=32, weights=ALL)
SHAPE = (64, 2, 2)


def built(build, seed=0):
    torch.manual_seed(seed)
    return build().eval()


def networks(seed=0):
    torch.manual_seed(seed)
    return DeepSimGenerator(SHAPE, 32, width=0.1), DeepSimDiscriminator(SHAPE, 32, width=0.2)


def test_it_learns_from_pixels_alone(tiny, build):
    encoder, (generator, _) = built(build).train(), networks()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    history = train_deepsim(generator, tiny, DeepSimConfig(epochs=12, batch_size=16, lr=5e-3), encoder=encoder, seed=0)
    assert history[-1]["image"] < 0.5 * history[0]["image"] and len(history) == 12
    assert {"feature", "adversarial", "discriminator"}.isdisjoint(history[0]) and not generator.training
    assert all(torch.equal(before[k], v) for k, v in encoder.state_dict().items()) and encoder.training
    assert all(p.requires_grad and p.grad is None for p in encoder.parameters())


def test_terms_by_hand():
    x, x_hat = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    z, z_hat = torch.full((2, 4), 2.0), torch.full((2, 4), 3.0)
    terms = deepsim_terms(x_hat, x, z_hat, z, torch.zeros(2, 1), ALL)
    assert terms["image"].item() == 0.25 and terms["feature"].item() == 0.25
    assert terms["adversarial"].item() == pytest.approx(0.6931472)
    assert set(deepsim_terms(x_hat, x, None, z, None, DeepSimWeights())) == {"image"}


@pytest.mark.parametrize("pause_below, moved", [(0.0, 1.0), (1e9, 0.0)])
def test_the_discriminator_rests_when_it_is_far_ahead(tiny, build, pause_below, moved):
    (generator, discriminator), (_, fresh) = networks(), networks()
    config = dataclasses.replace(CONFIG, pause_below=pause_below)
    history = train_deepsim(generator, tiny, config, encoder=built(build), seed=0, discriminator=discriminator)
    assert [epoch["discriminator_moved"] for epoch in history] == [moved, moved]
    assert same(discriminator, fresh) == (moved == 0.0)


def test_the_generators_gradient_is_that_of_the_whole_loss(tiny, build):
    """One step of SGD by hand against the loop's Adam: equal in direction, since Adam's first step is the sign."""
    encoder, (generator, discriminator) = built(build), networks()
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


@pytest.mark.parametrize("died_at", [2, 4])
def test_a_killed_run_resumes_bit_identically(tiny, build, tmp_path, died_at):
    encoder = built(build)
    whole, discriminator = networks()
    train_deepsim(whole, tiny, CONFIG, encoder=encoder, seed=1, discriminator=discriminator)
    broken, broken_discriminator = networks()
    with pytest.raises(Killed):
        train_deepsim(broken, KilledAt(tiny, died_at), CONFIG, encoder=encoder, seed=1, discriminator=broken_discriminator, state_file=tmp_path / "s")
    again, again_discriminator = networks(99 if died_at > 3 else 0)  # before the first save only the seed is there
    train_deepsim(again, tiny, CONFIG, encoder=encoder, seed=1, discriminator=again_discriminator, state_file=tmp_path / "s")
    assert same(whole, again) and same(discriminator, again_discriminator)


def test_found_the_second_time_and_keyed_by_its_recipe(tiny, build):
    encoder = built(build)

    def trained(**changes):
        config = dataclasses.replace(DeepSimConfig(epochs=1, batch_size=48), **changes)
        discriminator = (lambda: networks()[1]) if config.weights.adversarial else None
        return find_else_train(lambda: networks()[0], train_deepsim, tiny, config, encoder=encoder, seed=0, build_discriminator=discriminator)

    first = trained()
    assert not first.found and trained().found and same(first.model, trained().model)
    assert not trained(weights=ALL).found and not trained(lr=1e-4).found
    with torch.no_grad():
        encoder.stages["conv1"][0].bias[0] += 1e-3
    assert trained().key != first.key


def test_discriminator_and_weight_go_together(tiny, build):
    generator, discriminator = networks()
    with pytest.raises(ValueError, match="no discriminator"):
        train_deepsim(generator, tiny, CONFIG, encoder=built(build), seed=0)
    with pytest.raises(ValueError, match="a discriminator"):
        train_deepsim(generator, tiny, DeepSimConfig(), encoder=built(build), seed=0, discriminator=discriminator)


@pytest.mark.parametrize("weights", [{"image": 0.0}, {"feature": -1.0}, {"adversarial": float("nan")}])
def test_weights_that_cannot_be_meant(weights):
    pytest.raises(ValueError, DeepSimWeights, **weights).match("weights")
