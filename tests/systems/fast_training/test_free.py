"""Free adversarial training: m replays by hand, one pass a replay, delta carried on."""

import pytest
import torch
import torch.nn.functional as F

from arae_core.attacks import ball
from arae_core.networks import VGG16
from arae_core.systems.fast_training import FreeConfig, train_free
from arae_core.training import Attack, ClassifierConfig, files, find_else_train, train_classifier
from arae_core.training.schedule import factor
from tests.training.interrupted import Killed, KilledAt, same, save_after_every_step

STEP = {"linf": Attack("linf", 0.05, steps=1, step_size=0.05), "l2": Attack("l2", 1.0, steps=1, step_size=1.0)}
RECIPE = dict(epochs=4, batch_size=16, lr=0.05, attack=STEP["linf"], replays=2)
BARE = dict(schedule="constant", momentum=0, weight_decay=0, clip=0, precision="fp32")


def built(build, seed=0):
    torch.manual_seed(seed)
    return build()


class InDouble:
    """A data set whose images come in double precision."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def take(self, *args, **kwargs):
        return InDouble(self.data.take(*args, **kwargs))

    def batches(self, *args, **kwargs):
        return ((x.double(), y) for x, y in self.data.batches(*args, **kwargs))


def by_hand(model, batches, m, attack, lr):
    """Algorithm 1 with separate gradients for the weights and for delta."""
    within, delta = ball(attack.norm, attack.eps), 0.0
    for x, y in batches:
        for _ in range(m):
            x_adv = (x + delta).clamp(0, 1).requires_grad_()
            g_theta = torch.autograd.grad(F.cross_entropy(model(x_adv), y), list(model.parameters()))
            (g_x,) = torch.autograd.grad(F.cross_entropy(model(x_adv), y, reduction="sum"), x_adv)
            with torch.no_grad():
                for p, g in zip(model.parameters(), g_theta, strict=True):
                    p -= lr * g
            delta = within.project(delta + attack.step_size * within.steepest(g_x))
    return delta


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("m, batch_size", [(1, 96), (3, 96), (3, 48)])
def test_replays_computed_by_hand(tiny, build, norm, m, batch_size):
    """One batch, and two between which delta is carried on; plain SGD in double precision."""
    trained, expected, start = (built(build).double() for _ in range(3))
    config = FreeConfig(epochs=m, replays=m, batch_size=batch_size, lr=0.1, attack=STEP[norm], **BARE)
    seen = []

    class Noting(InDouble):
        def batches(self, *args, **kwargs):
            for x, y in super().batches(*args, **kwargs):
                seen.append((x, y))
                yield x, y

    train_free(trained, Noting(tiny), config, seed=0)
    assert len(seen) == 96 // batch_size
    by_hand(expected, seen, m, STEP[norm], 0.1)
    for ours, theirs, before in zip(trained.parameters(), expected.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(ours - before, theirs - before, rtol=1e-4, atol=1e-9)


def test_one_forward_and_one_backward_pass_a_replay(tiny, build):
    """Not even the alarm's attack goes through the weights: six batches, three replays each, once over the data."""
    model, forward, backward = built(build), [], []
    model.register_forward_hook(lambda *_: forward.append(1) if model.training else None)
    next(model.parameters()).register_post_accumulate_grad_hook(lambda *_: backward.append(1))
    train_free(model, tiny, FreeConfig(**{**RECIPE, "epochs": 3, "replays": 3}), seed=0)
    assert len(forward) == len(backward) == 6 * 3


@pytest.mark.parametrize("epochs, replays, passes", [(4, 2, 2), (5, 2, 3), (5, 5, 1), (5, 1, 5), (90, 4, 23)])
def test_the_data_are_gone_through_so_much_less_often(epochs, replays, passes):
    assert FreeConfig(epochs=epochs, replays=replays, attack=STEP["l2"]).passes == passes


def test_the_rate_follows_the_updates_not_the_passes(tiny, build, monkeypatch):
    """Twelve updates of one pass run through the whole schedule, as twelve batches would."""
    rates = []
    monkeypatch.setattr("arae_core.systems.fast_training.free.set_rate", lambda optimizer, rate: rates.append(rate))
    train_free(built(build), tiny, FreeConfig(**{**RECIPE, "epochs": 2}), seed=0)
    assert rates == pytest.approx([0.05 * factor("one-cycle", i, 12, 0) for i in range(12)])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_delta_stays_inside_the_ball_and_images_inside_the_pixels(tiny, build, tmp_path, norm):
    model, seen = built(build), []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()) if model.training else None)
    train_free(model, tiny, FreeConfig(**{**RECIPE, "batch_size": 96, "attack": STEP[norm]}), seed=0,
               state_file=tmp_path / "state")
    assert all(0 <= x.min() and x.max() <= 1 for x in seen) and len(seen) == 4
    tensors, _ = files.load(tmp_path / "state")
    delta = tensors["module.carried.delta"].flatten(1)
    p, eps = (2, 1.0) if norm == "l2" else (float("inf"), 0.05)
    lengths = delta.norm(dim=1, p=p)
    assert lengths.max() <= eps * (1 + 1e-5) and lengths.min() > eps / 2


@pytest.mark.parametrize("died_at", [1, 5, 8, 14])
def test_killed_run_resumes_bit_identically(tiny, tmp_path, died_at, monkeypatch):
    save_after_every_step(monkeypatch)
    config = FreeConfig(**{**RECIPE, "epochs": 6})
    whole, broken, again = (built(lambda: VGG16(32, 4, 0.0625), seed) for seed in (0, 0, 99))
    expected = train_free(whole, tiny, config, seed=3)
    with pytest.raises(Killed):
        train_free(broken, KilledAt(tiny, died_at), config, seed=3, state_file=tmp_path / "state")
    history = train_free(again, tiny, config, seed=3, state_file=tmp_path / "state")
    assert same(whole, again)
    assert [epoch["pgd_accuracy"] for epoch in history] == [epoch["pgd_accuracy"] for epoch in expected]


def test_batch_statistics_are_the_batchs_own(tiny):
    """Twelve updates move the running statistics: the one pass a replay is in training mode."""
    model = built(lambda: VGG16(32, 4, 0.0625))
    train_free(model, tiny, FreeConfig(**{**RECIPE, "epochs": 2}), seed=0)
    counts = [int(value) for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")]
    assert counts and set(counts) == {12}


def test_learns_and_is_found_under_a_key_of_its_own(tiny, build):
    recipe = {**RECIPE, "epochs": 24}
    own = find_else_train(build, train_free, tiny, FreeConfig(**recipe), seed=0)
    other = find_else_train(build, train_free, tiny, FreeConfig(**{**recipe, "replays": 3}), seed=0)
    like = ClassifierConfig(epochs=1, batch_size=16, attack=STEP["linf"])
    plain = find_else_train(build, train_classifier, tiny, like, seed=0)
    assert own.history[-1]["pgd_accuracy"] > 0.9 and len(own.history) == 12 and len(other.history) == 8
    assert len({own.key, other.key, plain.key}) == 3
    assert find_else_train(build, train_free, tiny, FreeConfig(**recipe), seed=0).found


@pytest.mark.parametrize("wrong, message", [
    (dict(attack=None), "give it attack"),
    (dict(attack=Attack("linf", 0.05, 2, 0.05)), "one step a replay"),
    (dict(attack=Attack("linf", 0.05, 1, 0.05, random_start=True)), "one step a replay"),
    (dict(attack=Attack("linf", 0.05, 1, 0.05, keep_best=True)), "one step a replay"),
    (dict(attack=STEP["l2"], replays=0), "whole number"),
    (dict(attack=STEP["l2"], replays=2.0), "whole number"),
    (dict(attack=STEP["l2"], replays=True), "whole number"),
    (dict(attack=STEP["l2"], replays=6, epochs=5), "fewer replays or more epochs"),
])
def test_what_cannot_be_meant_is_refused(wrong, message):
    pytest.raises(ValueError, FreeConfig, **wrong).match(message)
