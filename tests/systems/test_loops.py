"""What every training loop keeps to: it learns, resumes bit for bit, follows its schedule, leaves f alone."""

import dataclasses
import sys

import pytest
import torch
from torch import nn

from arae_core.losses import InversionWeights
from arae_core.networks import VGG16, AlexNet, FeatureDiscriminator, mirror
from arae_core.systems import anomaly, deepsim, denoising, fast_training, geometry_aware
from arae_core.training import Attack, ClassifierConfig, InverterConfig, TrainingDiverged, find_else_train
from arae_core.training.classifier import train_classifier
from arae_core.training.inverter import train_inverter
from arae_core.training.schedule import factor
from tests.tiny import built, untouched
from tests.training.interrupted import Killed, KilledAt, same, save_after_every_step

ENCODER = built(lambda: AlexNet(image_size=32, num_classes=4, width=0.25))  # left in training mode
SHAPE = (64, 2, 2)  # of its conv5
PIXELS = InversionWeights(1.0, 0.0, 0.0, "mean")
LINF = Attack("linf", eps=0.05, steps=2, step_size=0.03, random_start=True)


def vgg():
    return VGG16(32, 4, 0.0625)


LOOPS = {  # the loop, its config, what it trains and, where there is one, the opponent
    "classifier": (train_classifier, ClassifierConfig(attack=LINF, lr=0.05), vgg, None), "fast": (fast_training.train_fast,
             fast_training.FastConfig(attack=fast_training.fgsm_rs("linf", 0.05), lr=0.05), vgg, None),
    "free": (fast_training.train_free,
             fast_training.FreeConfig(attack=Attack("linf", 0.05, 1, 0.05), replays=2, lr=0.05), vgg, None),
    "geometry-aware": (geometry_aware.train_geometry_aware,
                       geometry_aware.GeometryAwareConfig(attack=LINF, lr=0.05, burn_in=0.5), vgg, None),
    "inverter": (train_inverter, InverterConfig(weights=InversionWeights(1.0, 0.1, 0.01, "mean")),
                 lambda: mirror(ENCODER, "conv5"), lambda: FeatureDiscriminator(SHAPE, 32)),
    "denoiser": (denoising.train_denoiser, denoising.DenoiserConfig(),
                 lambda: denoising.WaveletDecoder(denoising.WaveletEncoder(ENCODER)), None),
    "deepsim": (deepsim.train_deepsim, deepsim.DeepSimConfig(weights=deepsim.DeepSimWeights(1.0, 0.1, 0.01)),
                lambda: deepsim.DeepSimGenerator(SHAPE, 32, width=0.1),
                lambda: deepsim.DeepSimDiscriminator(SHAPE, 32, width=0.2)),
    "dcgan": (anomaly.train_dcgan, anomaly.DCGANConfig(), lambda: anomaly.DCGenerator(32, code_size=8, width=0.05),
              lambda: anomaly.DCDiscriminator(32, width=0.1)),
}


@pytest.fixture(params=LOOPS)
def loop(request):
    """Name, train, config (six batches of 32 images in two passes), build, build_discriminator."""
    train, config, build, build_discriminator = LOOPS[request.param]
    epochs = 4 if request.param == "free" else 2  # two replays a pass
    config = dataclasses.replace(config, epochs=epochs, batch_size=32)
    return request.param, train, config, build, build_discriminator


def trained(loop, data, seed=0, **named):
    """The networks, and the history without its seconds, of a run from the weights of the seed."""
    name, train, config, build, build_discriminator = loop
    models = [built(its, seed) for its in (build, build_discriminator) if its]
    if build_discriminator:
        named["discriminator"] = models[1]
    if name in ("inverter", "denoiser", "deepsim"):
        named["encoder"] = ENCODER
    with untouched(ENCODER):
        history = train(models[0], data, config, seed=3, **named)
    return models, [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in history]


@pytest.mark.parametrize("name, config, measure", [  # the generators from pixels alone
    ("classifier", ClassifierConfig(epochs=25, lr=0.05), "loss"),
    ("inverter", InverterConfig(epochs=12, weights=PIXELS), "pixel"),
    ("deepsim", deepsim.DeepSimConfig(epochs=12, lr=5e-3), "image")])
def test_it_learns(tiny, name, config, measure):
    train, _, build, _ = LOOPS[name]
    (model,), history = trained((name, train, dataclasses.replace(config, batch_size=16), build, None), tiny)
    assert history[-1][measure] < 0.5 * history[0][measure] and len(history) == config.epochs
    assert {"feature", "adversarial", "discriminator"}.isdisjoint(history[0]) and not model.training


@pytest.mark.parametrize("died_at, every_step", [(2, False), (4, False), (5, True)])
def test_a_killed_run_resumes_bit_identically(tiny, tmp_path, monkeypatch, loop, died_at, every_step):
    whole, expected = trained(loop, tiny)
    if every_step:
        save_after_every_step(monkeypatch)
    with pytest.raises(Killed):
        trained(loop, KilledAt(tiny, died_at), state_file=tmp_path / "state")
    from_file = (tmp_path / "state").exists()
    assert from_file == (died_at > 2 or every_step)  # before the first save only the seed is there
    again, history = trained(loop, tiny, seed=99 if from_file else 0, state_file=tmp_path / "state")
    assert history == expected and all(same(a, b) for a, b in zip(whole, again, strict=True))
    for a, its in zip(whole, [its for its in loop[3:] if its]):  # all were trained, not statistics alone
        assert any(not torch.equal(p, q) for p, q in zip(a.parameters(), built(its).parameters(), strict=True))


def test_found_the_second_time(tiny, loop):
    name, train, config, build, build_discriminator = loop
    named = {"encoder": ENCODER} if name in ("inverter", "denoiser", "deepsim") else {}
    named |= {"seed": 0, "build_discriminator": build_discriminator}
    first, second = (find_else_train(build, train, tiny, config, **named) for _ in range(2))
    assert (first.found, second.found) == (False, True) and first.key == second.key
    assert first.history == second.history and first.path == second.path
    assert same(first.model, second.model) and not first.model.training and not second.model.training
    assert not list(first.path.parent.glob("*.partial"))


def test_the_rate_follows_the_schedule_of_all_updates(tiny, monkeypatch, loop):
    """Six batches, of which free training makes twelve updates: each takes the rate of its place."""
    name, train, config, *_ = loop
    module, rates = sys.modules[train.__module__], {}
    monkeypatch.setattr(module, "set_rate", lambda adam, rate: rates.setdefault(id(adam), []).append(rate))
    trained(loop, tiny)
    updates = 12 if name == "free" else 6
    peaks = [config.lr] + ([getattr(config, "discriminator_lr", config.lr)] if loop[4] else [])
    expected = [[peak * factor("one-cycle", i, updates, 0) for i in range(updates)] for peak in peaks]
    assert list(rates.values()) == [pytest.approx(one) for one in expected]


def test_nan_stops_it_and_the_state_saved_before_is_kept(tiny, tmp_path, monkeypatch, loop):
    state, module = tmp_path / "state", sys.modules[loop[1].__module__]
    pytest.raises(Killed, trained, loop, KilledAt(tiny, 3), state_file=state)
    good = state.read_bytes()

    def spoil(optimizer, rate):
        nn.init.constant_(optimizer.param_groups[0]["params"][0], torch.nan)

    monkeypatch.setattr(module, "set_rate", spoil)
    with pytest.raises(TrainingDiverged, match="not finite at step 0 of epoch 2"):
        trained(loop, tiny, state_file=state)
    assert state.read_bytes() == good


@pytest.mark.parametrize("name", ["inverter", "deepsim"])
def test_a_discriminator_goes_with_a_weight(tiny, name):
    train, config, build, build_discriminator = LOOPS[name]
    alone = type(config)(weights=dataclasses.replace(config.weights, adversarial=0.0))
    for its, opponent, said in ((config, None, "no"), (alone, build_discriminator(), "a")):
        with pytest.raises(ValueError, match=f"{said} discriminator"):
            train(build(), tiny, its, encoder=ENCODER, discriminator=opponent, seed=0)
