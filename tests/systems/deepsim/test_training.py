"""DeePSiM's loop: it learns, its critic rests when it should, a killed run resumes bit for bit."""

import dataclasses

import pytest
import torch

from arae_core.networks import DeepSimCritic
from arae_core.networks import DeepSimGenerator
from arae_core.training import DeepSimConfig, DeepSimWeights, train_deepsim, trained_deepsim
from arae_core.systems.deepsim.training import deepsim_terms
from tests.training.interrupted import Killed, KilledAt, same

ALL = DeepSimWeights(image=1.0, feature=0.1, adversarial=0.01)
CONFIG = DeepSimConfig(epochs=2, batch_size=32, weights=ALL)
SHAPE = (64, 2, 2)


def built(build, seed=0):
    torch.manual_seed(seed)
    return build().eval()


def networks(seed=0):
    torch.manual_seed(seed)
    return DeepSimGenerator(SHAPE, 32, width=0.1), DeepSimCritic(SHAPE, 32, width=0.2)


def test_it_learns_from_pixels_alone(tiny, build):
    encoder, (generator, _) = built(build).train(), networks()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    history = train_deepsim(generator, encoder, tiny, DeepSimConfig(epochs=12, batch_size=16, lr=5e-3), seed=0)
    assert history[-1]["image"] < 0.5 * history[0]["image"] and len(history) == 12
    assert {"feature", "adversarial", "critic"}.isdisjoint(history[0]) and not generator.training
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
def test_the_critic_rests_when_it_is_far_ahead(tiny, build, pause_below, moved):
    (generator, critic), (_, fresh) = networks(), networks()
    config = dataclasses.replace(CONFIG, pause_below=pause_below)
    history = train_deepsim(generator, built(build), tiny, config, seed=0, critic=critic)
    assert [epoch["critic_moved"] for epoch in history] == [moved, moved]
    assert same(critic, fresh) == (moved == 0.0)


def test_the_generators_gradient_is_that_of_the_whole_loss(tiny, build):
    """One step of SGD by hand against the loop's Adam: equal in direction, since Adam's first step is the sign."""
    encoder, (generator, critic) = built(build), networks()
    again, its_critic = networks()
    config = DeepSimConfig(epochs=1, batch_size=96, weights=ALL, schedule="constant", precision="fp32", lr=1e-4)
    train_deepsim(generator, encoder, tiny, config, seed=0, critic=critic.eval())
    x, _ = next(iter(tiny.batches(96)))
    z = encoder.features(x, "conv5").detach()
    torch.manual_seed(0)
    x_hat = again.train()(z)
    terms = deepsim_terms(x_hat, x, encoder.features(x_hat, "conv5"), z, its_critic.eval()(x_hat, z), ALL)
    (terms["image"] + 0.1 * terms["feature"]).backward()
    for new, old in zip(generator.parameters(), again.parameters()):
        clear = old.grad.abs() > 0.2 * old.grad.abs().max()  # the critic's dropout differs, and weighs little
        assert ((new - old)[clear].sign() == -old.grad[clear].sign()).float().mean() > 0.97


@pytest.mark.parametrize("died_at", [2, 4])
def test_a_killed_run_resumes_bit_identically(tiny, build, tmp_path, died_at):
    encoder = built(build)
    whole, critic = networks()
    train_deepsim(whole, encoder, tiny, CONFIG, seed=1, critic=critic)
    broken, broken_critic = networks()
    with pytest.raises(Killed):
        train_deepsim(broken, encoder, KilledAt(tiny, died_at), CONFIG, seed=1, critic=broken_critic,
                      state_file=tmp_path / "s")
    again, again_critic = networks(99 if died_at > 3 else 0)  # before the first save only the seed is there
    train_deepsim(again, encoder, tiny, CONFIG, seed=1, critic=again_critic, state_file=tmp_path / "s")
    assert same(whole, again) and same(critic, again_critic)


def test_found_the_second_time_and_keyed_by_its_recipe(tiny, build):
    encoder = built(build)

    def trained(**changes):
        config = dataclasses.replace(DeepSimConfig(epochs=1, batch_size=48), **changes)
        critic = (lambda: networks()[1]) if config.weights.adversarial else None
        return trained_deepsim(lambda: networks()[0], encoder, tiny, config, seed=0, build_critic=critic)

    first = trained()
    assert not first.found and trained().found and same(first.model, trained().model)
    assert not trained(weights=ALL).found and not trained(lr=1e-4).found
    with torch.no_grad():
        encoder.stages["conv1"][0].bias[0] += 1e-3
    assert trained().key != first.key


def test_critic_and_weight_go_together(tiny, build):
    generator, critic = networks()
    with pytest.raises(ValueError, match="no critic"):
        train_deepsim(generator, built(build), tiny, CONFIG, seed=0)
    with pytest.raises(ValueError, match="a critic"):
        train_deepsim(generator, built(build), tiny, DeepSimConfig(), seed=0, critic=critic)


@pytest.mark.parametrize("weights", [{"image": 0.0}, {"feature": -1.0}, {"adversarial": float("nan")}])
def test_weights_that_cannot_be_meant(weights):
    with pytest.raises(ValueError, match="weights"):
        DeepSimWeights(**weights)
