"""DCGAN's loop: both networks learn, a killed run resumes bit for bit, found the second time."""

import dataclasses

import pytest
import torch

from arae_core.systems.anomaly import DCDiscriminator, DCGANConfig, DCGenerator, train_dcgan
from arae_core.training import TrainingDiverged, find_else_train
from tests.training.interrupted import Killed, KilledAt, same

CONFIG = DCGANConfig(epochs=2, batch_size=32)


def networks(seed=0):
    torch.manual_seed(seed)
    return DCGenerator(32, code_size=8, width=0.05), DCDiscriminator(32, width=0.1)


class Black:
    """A data set of black images: what a generator can learn in a moment."""

    def __len__(self):
        return 64

    def batches(self, batch_size, **_):
        return ((torch.zeros(batch_size, 3, 32, 32), torch.zeros(batch_size, dtype=torch.int64)) for _ in range(4))


def test_it_learns_the_colour_of_its_images():
    g, d = networks()
    with torch.no_grad():
        assert g.eval()(torch.randn(8, 8)).mean() > 0.4
    config = DCGANConfig(epochs=30, batch_size=16, lr=2e-3, schedule="constant", precision="fp32")
    history = train_dcgan(g, Black(), config, discriminator=d, seed=0)
    assert g(torch.randn(8, 8)).mean() < 0.3 and not g.training and len(history) == 30
    assert set(history[0]) == {"epoch", "adversarial", "discriminator", "seconds"}


def test_the_first_losses_are_those_of_guessing(tiny):
    g, d = networks()
    config = DCGANConfig(epochs=1, batch_size=96, lr=1e-9, schedule="constant", precision="fp32")
    (epoch,) = train_dcgan(g, tiny, config, discriminator=d, seed=0)
    assert epoch["discriminator"] == pytest.approx(2 * 0.693, abs=0.3) and epoch["adversarial"] == pytest.approx(0.693, abs=0.3)


@pytest.mark.parametrize("died_at", [2, 4])
def test_a_killed_run_resumes_bit_identically(tiny, tmp_path, died_at):
    whole, discriminator = networks()
    train_dcgan(whole, tiny, CONFIG, discriminator=discriminator, seed=1)
    broken, broken_discriminator = networks()
    with pytest.raises(Killed):
        train_dcgan(broken, KilledAt(tiny, died_at), CONFIG, discriminator=broken_discriminator, seed=1, state_file=tmp_path / "s")
    again, again_discriminator = networks(99 if died_at > 3 else 0)  # before the first save only the seed is there
    train_dcgan(again, tiny, CONFIG, discriminator=again_discriminator, seed=1, state_file=tmp_path / "s")
    assert same(whole, again) and same(discriminator, again_discriminator) and not same(whole, networks()[0])


def test_found_the_second_time_and_keyed_by_its_recipe(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path))

    def trained(seed=0, **changes):
        config = dataclasses.replace(DCGANConfig(epochs=1, batch_size=48), **changes)
        return find_else_train(lambda: networks()[0], train_dcgan, tiny, config, build_discriminator=lambda: networks()[1], seed=seed)

    first, second = trained(), trained()
    assert (first.found, second.found) == (False, True) and same(first.model, second.model)
    assert not second.model.training
    assert len({first.key, trained(lr=3e-3).key, trained(seed=1).key}) == 3


def test_nan_stops_it(tiny):
    g, d = networks()
    with torch.no_grad():
        next(g.parameters()).fill_(torch.nan)
    pytest.raises(TrainingDiverged, train_dcgan, g, tiny, CONFIG, discriminator=d, seed=0).match("not finite")
