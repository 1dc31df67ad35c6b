"""The AutoAttack adapter: real attacks on a small net, names of subsets, a model left alone."""

import pytest
import torch
from torch import nn

from arae_core.attacks import attack_name, autoattack, pgd


@pytest.fixture(scope="module")
def problem():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).train()
    x = torch.rand(8, 3, 8, 8)
    with torch.no_grad():
        y = model(x).argmax(1)
    return model, x, y


@pytest.mark.parametrize("norm,eps", [("l2", 0.5), ("linf", 0.05)])
def test_finds_adversaries_inside_the_ball(problem, norm, eps):
    model, x, y = problem
    x_adv = autoattack(model, x, y, norm=norm, eps=eps, parts=("apgd-ce", "apgd-t"))
    delta = (x_adv - x).flatten(1)
    length = delta.norm(dim=1) if norm == "l2" else delta.abs().amax(1)
    assert (length <= eps * (1 + 1e-4)).all() and x_adv.min() >= 0 and x_adv.max() <= 1
    with torch.no_grad():
        err = (model(x_adv).argmax(1) != y)
        pgd_err = model(pgd(model, x, y, norm=norm, eps=eps, steps=10, step_size=eps / 4)).argmax(1) != y
    assert err.sum() >= pgd_err.sum() and err.any()
    assert (length[~err] == 0).all()  # where nothing was found, the image itself
    assert model.training


def test_names_and_bad_arguments(problem):
    assert attack_name(("apgd-ce", "apgd-t", "fab-t", "square")) == "autoattack"
    assert attack_name(("apgd-ce", "square")) == "apgd-ce+square"
    model, x, y = problem
    pytest.raises(ValueError, autoattack, model, x, y, eps=0.5, parts=("pgd",)).match("apgd-ce")
    pytest.raises(ValueError, autoattack, model, x, y, norm="l1", eps=0.5).match("linf")
