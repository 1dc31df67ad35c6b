"""The discriminators of paper A and of DeePSiM: A's plan at 224 pixels, and what holds for both."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from arae_core.networks import AlexNet, FeatureDiscriminator
from arae_core.systems.deepsim import DeepSimDiscriminator
from tests.tiny import shapes

BOTH = pytest.mark.parametrize("kind", [FeatureDiscriminator, DeepSimDiscriminator])


def test_parameters_and_sides_at_224():
    for spectral_norm in (True, False):
        with torch.device("meta"):
            discriminator = FeatureDiscriminator(spectral_norm=spectral_norm)
        assert sum(p.numel() for p in discriminator.parameters()) == 11_372_353
    image, x = FeatureDiscriminator((1,)).image, torch.rand(1, 3, 224, 224)
    assert [side for _, side in shapes(image, x, nn.Conv2d)] == [55, 51, 25, 23, 11]
    assert image(x).shape == (1, 256)


@BOTH
@pytest.mark.parametrize("size, layer", [(32, "conv2"), (32, "fc6"), (64, "conv5"), (224, "conv5")])
def test_both_the_image_and_the_features_matter(kind, size, layer):
    torch.manual_seed(0)
    encoder = AlexNet(size, 10, 0.25)
    discriminator = kind(encoder.feature_shape(layer), size)
    x = torch.rand(3, 3, size, size, requires_grad=True)
    z = encoder.features(x.detach(), layer).detach()
    logits = discriminator(x, z)
    assert logits.shape == (3, 1)
    logits.sum().backward()
    assert x.grad.abs().max() > 0 and all(p.grad.isfinite().all() for p in discriminator.parameters())
    discriminator.eval()
    with torch.no_grad():
        logits = discriminator(x, z)
        assert not torch.allclose(discriminator(x, z.flip(0)), logits, rtol=0, atol=1e-7)
        assert not torch.allclose(discriminator(1 - x, z), logits, rtol=0, atol=1e-7)


@BOTH
def test_the_wrong_features_or_size_are_refused_and_logits_are_not_squashed(kind):
    discriminator, x = kind((4, 2, 2), 32).eval(), torch.rand(2, 3, 32, 32)
    for z in (torch.rand(2, 4, 4, 4), torch.rand(2, 16), torch.rand(1, 4, 2, 2)):
        pytest.raises(ValueError, discriminator, x, z).match(r"\(2, 4, 2, 2\)")
    pytest.raises(ValueError, kind, (4,), 128).match("32, 64 or 224")
    nn.init.constant_(discriminator.judge[-1].bias, 5.0)
    assert discriminator(x, torch.rand(2, 4, 2, 2)).min() > 1


def test_spectral_norm_is_on_every_layer_with_weights():
    for expected in (True, False):
        discriminator = FeatureDiscriminator((4,), 32, spectral_norm=expected)
        layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert [parametrize.is_parametrized(m, "weight") for m in layers] == [expected] * 9
