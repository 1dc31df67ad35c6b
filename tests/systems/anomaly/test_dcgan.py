"""DCGAN: the paper's plans, sizes and start; its loop learns a colour, and starts from guessing."""

import pytest
import torch
from torch import nn

from arae_core.systems.anomaly import DCDiscriminator, DCGANConfig, DCGenerator, train_dcgan


def test_the_papers_plan_at_64_pixels_and_sizes_without_one():
    g, judge = DCGenerator(64), DCDiscriminator(64).judge
    doubled = [(m.in_channels, m.out_channels) for m in g.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert doubled == [(1024, 512), (512, 256), (256, 128), (128, 3)] and g.code_shape == (100,)
    assert not any(m.bias is not None for m in g.body if isinstance(m, nn.ConvTranspose2d))
    layers = [(m.out_channels, m.stride[0]) for m in judge if isinstance(m, nn.Conv2d)]
    assert layers == [(64, 2), (128, 2), (256, 2), (512, 2), (1, 1)]
    assert isinstance(judge[1], nn.LeakyReLU) and isinstance(judge[3], nn.BatchNorm2d)
    for wrong in (8, 31, 224):
        pytest.raises(ValueError, DCGenerator, wrong).match("16, 32, 64 or 128")
    pytest.raises(ValueError, DCGenerator, 32, code_size=0).match("code")
    pytest.raises(ValueError, DCDiscriminator, 48).match("16, 32, 64 or 128")


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_images_in_range_at_every_size(size):
    x = DCGenerator(size, code_size=8, width=0.05).eval()(10 * torch.randn(3, 8))
    assert x.shape == (3, 3, size, size) and 0 <= x.min() < x.max() <= 1


def test_its_start():
    torch.manual_seed(0)
    for module in DCGenerator(32).modules():
        if isinstance(module, nn.ConvTranspose2d | nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.01) and not module.bias.any()


def test_one_logit_an_image():
    d, x = DCDiscriminator(32, width=0.2).eval(), torch.rand(3, 3, 32, 32)
    logits = d(x)
    assert logits.shape == (3, 1) and torch.allclose(logits[1:2], d(x[1:2]), atol=1e-5)
    assert DCDiscriminator(16, width=0.1).eval()(torch.full((1, 3, 16, 16), 0.5)).abs().item() <= 1e-2


def networks():
    torch.manual_seed(0)
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
    assert epoch["discriminator"] == pytest.approx(2 * 0.693, abs=0.3)
    assert epoch["adversarial"] == pytest.approx(0.693, abs=0.3)
