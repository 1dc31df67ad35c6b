"""The alarm: it fires at a fall of more than 0.2 and brings the best weights back, also after a kill."""

import copy

import pytest
import torch

from arae_core.data import ImageSet
from arae_core.systems.fast_training import Alarm, FastConfig, FreeConfig, fgsm_rs, train_fast, train_free
from arae_core.systems.fast_training.overfitting_alarm import pgd_accuracy
from arae_core.training import Attack
from tests.tiny import Brightness, built, untouched
from tests.training.interrupted import Killed, KilledAt, same, save_after_every_step

FAST = FastConfig(epochs=4, batch_size=16, lr=0.05, attack=fgsm_rs("linf", 0.05))
FREE = FreeConfig(epochs=8, replays=2, batch_size=16, lr=0.05, attack=Attack("linf", 0.05, 1, 0.05))
LOOPS = pytest.mark.parametrize("train, config", [(train_fast, FAST), (train_free, FREE)])


@pytest.fixture
def measured(monkeypatch):
    """measured(0.6, 0.3): what the alarm sees after each epoch; gives the list of networks it saw."""

    def arrange(*values):
        seen = []

        def faked(model, *_):
            seen.append(copy.deepcopy(model))
            return values[len(seen) - 1]

        monkeypatch.setattr("arae_core.systems.fast_training.overfitting_alarm.pgd_accuracy", faked)
        return seen

    return arrange


@LOOPS
def test_it_stops_and_restores_the_best_epoch(tiny, build, measured, train, config, capsys):
    seen, model = measured(0.5, 0.6, 0.3, 0.9), built(build)
    history = train(model, tiny, config, seed=0)
    assert len(history) == len(seen) == 3 and same(model, seen[1]) and not model.training
    assert [epoch["pgd_accuracy"] for epoch in history] == pytest.approx([0.5, 0.6, 0.3])
    assert history[-1]["alarm"] == 1 and not any("alarm" in epoch for epoch in history[:-1])
    (line,) = capsys.readouterr().out.splitlines()
    assert "fell from 60% to 30% in epoch 3" in line


@LOOPS
def test_a_smaller_fall_changes_nothing_and_the_best_epoch_counts(tiny, build, measured, train, config):
    seen, model = measured(0.5, 0.6, 0.45, 0.41), built(build)
    history = train(model, tiny, config, seed=0)
    assert len(history) == 4 and same(model, seen[3]) and not any("alarm" in epoch for epoch in history)
    seen, model = measured(0.6, 0.5, 0.38, 0.4), built(build)  # together more than 0.2
    assert len(train(model, tiny, config, seed=0)) == 3 and same(model, seen[0])


@LOOPS
@pytest.mark.parametrize("died_at", [3, 13, 17])
def test_the_best_weights_outlive_a_kill(tiny, build, tmp_path, measured, train, config, died_at, monkeypatch):
    """Killed in the first or third epoch, with a save after every step; the alarm goes off after the third."""
    save_after_every_step(monkeypatch)
    seen = measured(0.6, 0.5, 0.3)
    whole, broken, again = (built(build, seed) for seed in (0, 0, 99))
    expected = train(whole, tiny, config, seed=0)
    seen.clear()
    with pytest.raises(Killed):
        train(broken, KilledAt(tiny, died_at), config, seed=0, state_file=tmp_path / "state")
    history = train(again, tiny, config, seed=0, state_file=tmp_path / "state")
    assert len(seen) == 3 and same(whole, again) and same(again, seen[0])
    assert [e["pgd_accuracy"] for e in history] == [e["pgd_accuracy"] for e in expected] and "alarm" in history[-1]


def test_a_run_killed_after_its_alarm_takes_no_further_epoch(tiny, build, tmp_path, measured):
    """The state on disk is that of the stopped run; started again, it ends at once with the same weights."""
    seen, model, again = measured(0.6, 0.3), built(build), built(build, 99)
    train_fast(model, tiny, FAST, seed=0, state_file=tmp_path / "state")
    history = train_fast(again, KilledAt(tiny, 0), FAST, seed=0, state_file=tmp_path / "state")
    assert len(history) == len(seen) == 2 and same(model, again) and same(again, seen[0])


@pytest.mark.parametrize("eps, right", [(0.0, 20), (0.1, 16), (0.3, 8), (0.6, 0)])
def test_the_measure_is_pgd_within_the_training_ball(eps, right):
    """Twenty greys, 0.025 to 0.975; those within eps of a half are turned, and the network stays as it was."""
    grey = ((torch.arange(20) + 0.5) / 20 * 255).round().byte()
    images = ImageSet("grey", grey.view(20, 1, 1, 1).expand(20, 3, 8, 8).contiguous(), (grey > 127).long(), ("0", "1"))
    model = Brightness().train()
    config = FastConfig(batch_size=8, precision="fp32", attack=fgsm_rs("linf", eps))
    with untouched(model):
        assert pgd_accuracy(model, images, config, steps=10, seed=0) == pytest.approx(right / 20)


@pytest.mark.parametrize("bad", [{"images": 0}, {"images": 2.5}, {"steps": 0}, {"steps": True}, {"fall": 0.0},
                                 {"fall": -0.1}, {"fall": 20}])
def test_what_cannot_be_meant_is_refused(bad):
    pytest.raises(ValueError, Alarm, **bad).match("alarm")
