"""Paper A's three AlexNet decoders: parameter counts, shapes, spectral norm, initialisation."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from arae_core.networks import alexnet_inverter
from tests.tiny import shapes

COUNTS = {"conv5": 4_753_370, "conv2": 1_320_442, "conv1": 209_578}
SHAPES = {"conv5": (256, 6, 6), "conv2": (192, 13, 13), "conv1": (64, 27, 27)}


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize("layer", COUNTS)
def test_parameters_and_images_in_the_unit_range(layer, spectral_norm):
    torch.manual_seed(0)
    generator = alexnet_inverter(layer, spectral_norm=spectral_norm)
    assert sum(p.numel() for p in generator.parameters() if p.requires_grad) == COUNTS[layer]
    with torch.no_grad():
        x_hat = generator(torch.rand(1, *SHAPES[layer]))
    assert x_hat.shape == (1, 3, 224, 224) and 0 <= x_hat.min() < x_hat.max() <= 1


def test_sides_from_conv5_and_unknown_layers():
    generator = alexnet_inverter("conv5", spectral_norm=False).eval()
    sides = [side for _, side in shapes(generator, torch.rand(1, 256, 6, 6), nn.ConvTranspose2d)]
    assert sides == [7, 14, 28, 56, 112, 224]
    for layer in ("conv3", "fc6", "Conv5", ""):
        pytest.raises(ValueError, alexnet_inverter, layer).match("conv1, conv2, conv5")


def convolutions(generator):
    return [m for m in generator if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def test_spectral_norm_bounds_every_convolution():
    torch.manual_seed(0)
    generator = alexnet_inverter("conv1").eval()
    assert len(convolutions(generator)) == 9
    for module in convolutions(generator):
        assert parametrize.is_parametrized(module, "weight")
        weight = module.weight.transpose(0, 1) if isinstance(module, nn.ConvTranspose2d) else module.weight
        assert torch.linalg.matrix_norm(weight.detach().flatten(1), 2).item() == pytest.approx(1, abs=0.1)
    assert not any(parametrize.is_parametrized(m) for m in alexnet_inverter("conv1", spectral_norm=False))


def learned(module):
    """The weight that is trained: the one behind spectral norm where there is one."""
    return module.parametrizations.weight.original if parametrize.is_parametrized(module) else module.weight


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_initialisation_is_a_s(spectral_norm):
    torch.manual_seed(0)
    generator = alexnet_inverter("conv5", spectral_norm=spectral_norm)
    first, second = convolutions(generator)[:2]
    # 590,000 draws of N(0, 0.02): their deviation is known to a tenth of a percent.
    assert learned(first).std().item() == pytest.approx(0.02, rel=0.01)
    assert learned(first).mean().item() == pytest.approx(0, abs=2e-4)
    assert learned(first).abs().max() > 0.06  # a normal's tail, no uniform's
    # Transposed: PyTorch's uniform of half-width 1 / sqrt(fan in), as A's code leaves it.
    bound = (256 * 4 * 4) ** -0.5
    assert isinstance(second, nn.ConvTranspose2d)
    assert learned(second).abs().max().item() == pytest.approx(bound, rel=1e-3)
    norms = [m for m in generator if isinstance(m, nn.BatchNorm2d)]
    weights = torch.cat([m.weight.detach() for m in norms])
    assert weights.mean().item() == pytest.approx(1, abs=0.005)
    assert weights.std().item() == pytest.approx(0.02, rel=0.1)
    assert all(m.bias.abs().max() == 0 for m in norms)
