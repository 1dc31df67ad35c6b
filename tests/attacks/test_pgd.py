"""PGD: hand computations, balls, gradients, and a model that is left exactly as it was."""

import math

import pytest
import torch
from torch import nn

from arae_core.attacks import L2Ball, LinfBall, ascend, ball, pgd
from arae_core.networks import frozen
from tests.tiny import untouched


@pytest.fixture
def linear():
    """logits = W x: the loss rises fastest along W_other - W_y, whatever x."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    model[1].weight.data = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]])
    return model


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5),
                         nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))


def images(n=6, size=8, dtype=torch.float32):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=dtype)


LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("steps, length", [(1, 0.2), (2, 0.3)])  # the second step is projected
@pytest.mark.parametrize("y, targeted", [(0, False), (1, True)])
def test_steps_by_hand(linear, steps, length, y, targeted):
    """With two classes the input gradient of the cross-entropy for y = 0 is p_1 (w_1 - w_0)."""
    x, direction = torch.full((1, 1, 2, 2), 0.5), torch.tensor([-1.0, 2.0, 0.0, 0.0]) / math.sqrt(5)
    attack = dict(norm="l2", eps=0.3, steps=steps, step_size=0.2, targeted=targeted)
    x_adv = pgd(linear, x, torch.tensor([y]), **attack)
    torch.testing.assert_close(x_adv, x + (length * direction).view(1, 1, 2, 2), atol=1e-6, rtol=0)
    x_adv = pgd(linear, x, torch.tensor([y]), **attack | {"norm": "linf"})
    torch.testing.assert_close(x_adv, x + (length * direction.sign()).view(1, 1, 2, 2))


@pytest.mark.parametrize("norm,eps", [("l2", 0.5), ("l2", 3.0), ("linf", 8 / 255)])
@pytest.mark.parametrize("random_start", [False, True])
def test_inside_the_ball_and_the_cube(network, norm, eps, random_start):
    x = images()
    x_adv = pgd(network, x, LABELS, norm=norm, eps=eps, steps=7, step_size=eps, random_start=random_start)
    delta = (x_adv - x).flatten(1)
    length = delta.norm(dim=1) if norm == "l2" else delta.abs().amax(1)
    assert (length <= eps * (1 + 1e-5)).all() and (length > 0.2 * eps).all()
    assert x_adv.min() >= 0 and x_adv.max() <= 1 and not x_adv.requires_grad
    start = pgd(network, x, LABELS, norm=norm, eps=0.9, steps=0, step_size=eps, random_start=True)
    assert start.min() >= 0 and start.max() <= 1 and not torch.equal(start, x)


def test_loss_rises_and_best_is_never_worse_than_last(network):
    """With huge steps the iterates jump about, so the last one need not be the best."""
    def losses(**attack):
        x_adv = pgd(network.eval(), images(), LABELS, norm="l2", **attack)
        return nn.functional.cross_entropy(network(x_adv), LABELS, reduction="none")

    assert (losses(eps=1.0, steps=10, step_size=0.25) > losses(eps=1.0, steps=0, step_size=0.25)).all()
    best, last = (losses(eps=2.0, steps=5, step_size=4.0, keep=keep) for keep in ("best", "last"))
    assert (best >= last - 1e-6).all()


def test_without_steps_radius_or_gradient_the_image_comes_back(network):
    x, constant = images(), nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5))
    nn.init.zeros_(constant[1].weight)
    torch.testing.assert_close(pgd(network, x, LABELS, eps=1.0, steps=0, step_size=0.1), x)
    torch.testing.assert_close(pgd(network, x, LABELS, eps=0.0, steps=3, step_size=0.1), x)
    for norm in ("l2", "linf"):
        torch.testing.assert_close(pgd(constant, x, LABELS, norm=norm, eps=0.5, steps=3, step_size=0.2), x)


def test_gradient_equals_finite_differences(network):
    """The direction of one small l2 step is that of the numerical gradient, in float64."""
    network = network.double().eval()
    x, y, h = images(1, 4, torch.float64) * 0.8 + 0.1, LABELS[:1], 1e-6
    step = (pgd(network, x, y, norm="l2", eps=1e-3, steps=1, step_size=1e-4) - x).flatten() / 1e-4
    moved = x + h * torch.eye(48, dtype=torch.float64).view(48, 3, 4, 4)
    logits = network(moved), network(2 * x - moved)
    up, down = (nn.functional.cross_entropy(each, y.expand(48), reduction="none") for each in logits)
    numerical = (up - down) / (2 * h)
    torch.testing.assert_close(step, numerical / numerical.norm(), atol=1e-6, rtol=0)


def test_random_start_is_the_generators(network):
    def attack(seed):
        return pgd(network, images(), LABELS, eps=1.0, steps=1, step_size=0.1, random_start=True,
                   generator=torch.Generator().manual_seed(seed))

    assert torch.equal(attack(3), attack(3)) and not torch.equal(attack(3), attack(4))


def test_l2_start_is_uniform_in_the_ball():
    """In n dimensions the radius r of a uniform point has (r / eps)^n uniform in [0, 1]."""
    like = torch.zeros(4000, 1, 1, 3)
    length = L2Ball(2.0).random(like, torch.Generator().manual_seed(0)).flatten(1).norm(dim=1)
    u = (length / 2.0) ** 3
    assert length.max() <= 2.0 + 1e-5 and abs(u.mean() - 0.5) < 0.02 and abs(u.var() - 1 / 12) < 0.005


@pytest.mark.parametrize("within", [L2Ball(0.7), LinfBall(0.1)])
def test_projection_is_idempotent_and_keeps_the_inside(within):
    delta = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    once = within.project(delta)
    torch.testing.assert_close(within.project(once), once)
    torch.testing.assert_close(within.project(delta * 1e-3), delta * 1e-3)


def test_model_comes_back_as_it_was_and_only_input_gradients_are_computed(network):
    network.train()
    network[3].eval()
    network[0].bias.requires_grad_(False)
    with untouched(network):
        pgd(network, images(), LABELS, eps=1.0, steps=2, step_size=0.5, keep="best")
        with frozen(network):
            ascend(network, images(), LABELS, ball("l2", 1.0), steps=2, step_size=0.5)
            assert not any(p.requires_grad for p in network.parameters())


def test_model_comes_back_after_an_error_and_buffer_writes(network):
    def count(model, inputs):
        model.seen += 1
        if model.seen > 1:
            raise RuntimeError("second pass")

    network.train().register_buffer("seen", torch.zeros(()))
    network.register_forward_pre_hook(count)
    with untouched(network), pytest.raises(RuntimeError, match="second pass"):
        pgd(network, images(), LABELS, eps=1.0, steps=2, step_size=0.5)


GOOD = dict(norm="l2", eps=0.5, steps=1, step_size=0.1)


@pytest.mark.parametrize("change,error,match", [
    (dict(eps=-1), ValueError, ">= 0"), (dict(eps=float("nan")), ValueError, "finite"),
    (dict(eps="8/255"), TypeError, "8/255"), (dict(eps=8, norm="linf"), ValueError, "8/255"),
    (dict(eps=300.0), ValueError, "8-bit"), (dict(norm="l3"), ValueError, "linf"),
    (dict(steps=-1), ValueError, "steps"), (dict(steps=2.5), ValueError, "steps"),
    (dict(step_size=float("inf")), ValueError, "step_size"), (dict(keep="first"), ValueError, "last")])
def test_bad_arguments(network, change, error, match):
    pytest.raises(error, pgd, network, images(), LABELS, **{**GOOD, **change}).match(match)


@pytest.mark.parametrize("x,error,match", [
    (images() * 255, ValueError, "255"), (images() * 4 - 2, ValueError, "inside the encoder"),
    ((images() * 255).byte(), TypeError, "255"), (images()[0], ValueError, "shape"),
    (images() * float("nan"), ValueError, r"\[0, 1\]"), (images()[:0], ValueError, "no image")])
def test_bad_images_and_labels(network, x, error, match):
    pytest.raises(error, pgd, network, x, LABELS, **GOOD).match(match)
    for y in (LABELS.float(), LABELS[:3], [0] * 6):
        pytest.raises(ValueError, pgd, network, images(), y, **GOOD).match("label")
