"""Paper A's discriminator at 224 pixels, and its small forms."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from arae_core.networks import AlexNet, FeatureDiscriminator
from tests.tiny import shapes


def test_parameters_and_sides_at_224():
    for spectral_norm in (True, False):
        with torch.device("meta"):
            discriminator = FeatureDiscriminator(spectral_norm=spectral_norm)
        assert sum(p.numel() for p in discriminator.parameters()) == 11_372_353
    image, x = FeatureDiscriminator((1,)).image, torch.rand(1, 3, 224, 224)
    assert [side for _, side in shapes(image, x, nn.Conv2d)] == [55, 51, 25, 23, 11]
    assert image(x).shape == (1, 256)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("layer", ["conv2", "conv5", "fc6"])
def test_small_forms(size, layer):
    torch.manual_seed(0)
    encoder = AlexNet(size, 10, 0.25)
    discriminator = FeatureDiscriminator(encoder.feature_shape(layer), size)
    x = torch.rand(3, 3, size, size, requires_grad=True)
    logits = discriminator(x, encoder.features(x.detach(), layer).detach())
    assert logits.shape == (3, 1)
    logits.sum().backward()
    assert x.grad.abs().max() > 0 and all(p.grad.isfinite().all() for p in discriminator.parameters())


@pytest.mark.parametrize("size, shape", [(32, (128, 2, 2)), (224, (256, 6, 6))])
def test_both_the_image_and_the_features_matter(size, shape):
    torch.manual_seed(0)
    discriminator = FeatureDiscriminator(shape, size, spectral_norm=False).eval()
    x, z = torch.rand(2, 3, size, size), torch.rand(2, *shape)
    with torch.no_grad():
        assert not torch.allclose(discriminator(x, z), discriminator(x, z.flip(0)), atol=1e-6)
        other = discriminator(torch.cat([x, 1 - x]), torch.cat([z, z]))
    assert (other[:2] - other[2:]).abs().max() > 0


def test_logits_are_not_squashed():
    discriminator = FeatureDiscriminator((4, 2, 2), 32, spectral_norm=False).eval()
    nn.init.constant_(discriminator.judge[-1].bias, 5.0)
    assert discriminator(torch.rand(1, 3, 32, 32), torch.rand(1, 4, 2, 2)).item() > 1


def test_spectral_norm_is_on_every_layer_with_weights():
    for expected in (True, False):
        discriminator = FeatureDiscriminator((4,), 32, spectral_norm=expected)
        layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert [parametrize.is_parametrized(m, "weight") for m in layers] == [expected] * 9


def test_the_wrong_features_or_size_are_refused():
    discriminator, x = FeatureDiscriminator((4, 2, 2), 32), torch.rand(2, 3, 32, 32)
    for z in (torch.rand(2, 4, 4, 4), torch.rand(2, 16), torch.rand(1, 4, 2, 2)):
        pytest.raises(ValueError, discriminator, x, z).match(r"\(2, 4, 2, 2\)")
    pytest.raises(ValueError, FeatureDiscriminator, (4,), 128).match("32, 64 or 224")
