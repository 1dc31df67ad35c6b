"""C's discriminator: Table 1 at 64 pixels, the features beside the image, dropout where C has it."""

import pytest
import torch
from torch import nn

from arae_core.systems.deepsim import DeepSimDiscriminator


def sides(size):
    discriminator, z, found = DeepSimDiscriminator((1,), size, width=0.25), torch.rand(1, 3, size, size), []
    for module in discriminator.image:
        if isinstance(module, nn.Conv2d):
            found.append(z.shape[-1])
        z = module(z)
    return found


def test_table_1():
    assert sides(64) == [64, 29, 25, 12, 10]
    convolutions = [m for m in DeepSimDiscriminator((1,), 64).image if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [32, 64, 128, 256, 256]
    assert [m.kernel_size[0] for m in convolutions] == [7, 5, 3, 3, 3]
    assert [m.stride[0] for m in convolutions] == [2, 1, 2, 1, 2]


def test_the_first_stride_follows_the_size():
    assert sides(224) == [224, 55, 51, 25, 23] and sides(32) == [32, 26, 22, 10, 8]


def test_parameters_at_224_are_those_of_paper_a():
    """A's discriminator is this one: another non-linearity and spectral norm, the same weights to learn."""
    with torch.device("meta"):
        discriminator = DeepSimDiscriminator()
    assert sum(p.numel() for p in discriminator.parameters()) == 11_372_353
    assert {m.negative_slope for m in discriminator.modules() if isinstance(m, nn.LeakyReLU)} == {0.3}
    assert [m.p for m in discriminator.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize("size, shape", [(32, (128, 2, 2)), (64, (16, 4, 4)), (32, (64,))])
def test_both_the_image_and_the_features_matter(size, shape):
    torch.manual_seed(0)
    discriminator = DeepSimDiscriminator(shape, size, width=0.5).eval()
    x, z = torch.rand(2, 3, size, size, requires_grad=True), torch.rand(2, *shape)
    logits = discriminator(x, z)
    assert logits.shape == (2, 1)
    logits.sum().backward()
    assert x.grad.abs().max() > 0
    with torch.no_grad():
        assert not torch.allclose(discriminator(x, z), discriminator(x, z.flip(0)), atol=1e-7)
        assert not torch.allclose(discriminator(1 - x, z), logits, atol=1e-7)


def test_the_wrong_features_or_size_are_refused():
    discriminator, x = DeepSimDiscriminator((4, 2, 2), 32, 0.1), torch.rand(2, 3, 32, 32)
    for z in (torch.rand(2, 4, 4, 4), torch.rand(2, 16), torch.rand(1, 4, 2, 2)):
        pytest.raises(ValueError, discriminator, x, z).match(r"\(2, 4, 2, 2\)")
    pytest.raises(ValueError, DeepSimDiscriminator, (4,), 128).match("32, 64 or 224")
