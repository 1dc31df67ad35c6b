"""DCGAN's generator: the paper's plan, its start, its range."""

import pytest
import torch
from torch import nn

from arae_core.systems.anomaly import DCGenerator


def test_the_papers_plan_at_64_pixels():
    g = DCGenerator(64)
    doubled = [(m.in_channels, m.out_channels) for m in g.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert doubled == [(1024, 512), (512, 256), (256, 128), (128, 3)] and g.code_shape == (100,)
    assert not any(m.bias is not None for m in g.body if isinstance(m, nn.ConvTranspose2d))


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_images_in_range_at_every_size(size):
    g = DCGenerator(size, code_size=8, width=0.05).eval()
    x = g(10 * torch.randn(3, 8))
    assert x.shape == (3, 3, size, size) and 0 <= x.min() < x.max() <= 1


def test_its_start():
    torch.manual_seed(0)
    for module in DCGenerator(32).modules():
        if isinstance(module, nn.ConvTranspose2d | nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.01) and not module.bias.any()


def test_refused():
    for wrong in (8, 31, 224):
        pytest.raises(ValueError, DCGenerator, wrong).match("16, 32, 64 or 128")
    pytest.raises(ValueError, DCGenerator, 32, code_size=0).match("code")
