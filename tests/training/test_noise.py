"""Noise in the place of an attack: as long as the attack is allowed to be, blind to the label, and new in every step."""

import pytest
import torch

from arae_core import training
from arae_core.networks import AlexNet

NOISE = training.Attack("l2", 0.5, 0, 0.1, random_start=True)


def test_noise_has_the_attacks_length_and_asks_nothing_of_the_network():
    torch.manual_seed(0)
    model, another = AlexNet(32, 10, 0.25), AlexNet(32, 10, 0.25)
    x, y = torch.rand(32, 3, 32, 32) * 0.5 + 0.25, torch.zeros(32).long()
    torch.manual_seed(1)
    moved = training.perturb(model, x, y, NOISE)
    length = (moved - x).flatten(1).norm(dim=1)
    assert bool((length <= 0.5 + 1e-5).all()) and bool((length > 0.49).all())
    torch.manual_seed(1)
    assert torch.equal(moved, training.perturb(another, x, y + 1, NOISE))
    assert not torch.equal(moved, training.perturb(model, x, y, NOISE))


def test_no_step_and_no_start_is_no_attack():
    with pytest.raises(ValueError, match="takes a step, or starts at random"):
        training.Attack("l2", 0.5, 0, 0.1)
