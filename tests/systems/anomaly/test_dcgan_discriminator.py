"""DCGAN's discriminator: its plan, one logit an image, and each image by itself in evaluation mode."""

import pytest
import torch
from torch import nn

from arae_core.systems.anomaly import DCDiscriminator


def test_its_plan():
    layers = [m for m in DCDiscriminator(64).judge if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.stride[0]) for m in layers] == [(64, 2), (128, 2), (256, 2), (512, 2), (1, 1)]
    assert isinstance(DCDiscriminator(64).judge[1], nn.LeakyReLU) and isinstance(DCDiscriminator(64).judge[3], nn.BatchNorm2d)


def test_one_logit_an_image():
    d, x = DCDiscriminator(32, width=0.2).eval(), torch.rand(3, 3, 32, 32)
    logits = d(x)
    assert logits.shape == (3, 1) and torch.allclose(logits[1:2], d(x[1:2]), atol=1e-5)
    assert torch.allclose(DCDiscriminator(16, width=0.1).eval()(torch.full((1, 3, 16, 16), 0.5)), torch.tensor([[0.0]]), atol=1e-2)


def test_refused():
    pytest.raises(ValueError, DCDiscriminator, 48).match("16, 32, 64 or 128")
