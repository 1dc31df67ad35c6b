import time

import pytest
import torch
from torch import nn

from arae_core.metrics import flops, milliseconds, trainable_parameters
from arae_core.networks import AlexNet
from arae_core.systems.deepsim import DeepSimGenerator
from arae_core.systems.rivals import RobustInversion, optimise_images


def test_a_multiply_add_is_two_operations_and_elementwise_work_is_not_counted():
    x = torch.rand(2, 3, 8, 8)
    assert flops(lambda: nn.Linear(10, 4)(torch.rand(3, 10))) == 2 * 3 * 10 * 4
    assert flops(lambda: nn.Conv2d(3, 5, 3, padding=1)(x)) == 2 * 2 * 8 * 8 * 5 * 3 * 9
    # transposed: each input value meets the whole kernel once
    assert flops(lambda: nn.ConvTranspose2d(3, 5, 4, 2, 1)(x)) == 2 * 2 * 8 * 8 * 3 * 5 * 16

    assert flops(lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3), nn.MaxPool2d(2))(x).mean()) == 0


def test_backward_to_the_input_costs_a_forward_and_an_image_the_same_in_any_batch():
    layer, x = nn.Linear(10, 4).requires_grad_(False), torch.rand(3, 10, requires_grad=True)
    once = flops(lambda: layer(x))
    assert flops(lambda: torch.autograd.grad(layer(1 * x).sum(), x)) == 2 * once
    g = DeepSimGenerator((8, 2, 2), 32, 0.1).eval()
    assert flops(lambda: g(torch.rand(4, 8, 2, 2))) == 4 * flops(lambda: g(torch.rand(1, 8, 2, 2)))


def test_optimising_a_picture_costs_two_forwards_an_iteration():
    torch.manual_seed(0)
    f = AlexNet(32, 4, 0.1).eval()
    x = torch.rand(1, 3, 32, 32)
    z = f.features(x, "conv5").detach()
    forward = flops(lambda: f.features(x, "conv5"))

    def cost(iterations):
        return flops(lambda: optimise_images(RobustInversion(0.1, iterations), f, "conv5", z, torch.rand_like(x)))

    assert cost(3) - cost(2) == 2 * forward
    assert cost(3) == 2 * 3 * forward + 2 * forward  # the last iterate, and the best one, are only looked at


def test_only_what_is_trained_counts():
    first, second = nn.Linear(3, 2), nn.Linear(2, 2, bias=False)
    assert trainable_parameters(first, second) == 12
    first.bias.requires_grad_(False)
    assert trainable_parameters(first) == 6 and trainable_parameters() == 0


def test_milliseconds_are_the_median_an_image():
    naps = iter([0.0, 0.05, 0.0, 0.0])  # the first warms up; of the rest one is slow, which a median ignores
    assert milliseconds(lambda: time.sleep(next(naps)), images=2, repeats=3) < 10
    assert 10 <= milliseconds(lambda: time.sleep(0.02), images=2, repeats=1) < 100
    pytest.raises(ValueError, milliseconds, lambda: None, images=0).match("at least one")
