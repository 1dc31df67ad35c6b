"""Style transfer over untrained autoencoders: sizes, blending, what is factored how often, bad pictures."""

import pytest
import torch

from arae_core import data
from arae_core.networks import AlexNet, Autoencoder, mirror
from arae_core.systems.style_transfer import StyleTransfer
from arae_core.systems.style_transfer.whitening_colouring import colour, moments, whiten

LAYERS = ("conv5", "conv2", "conv1")


@pytest.fixture(scope="module")
def levels():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        f = AlexNet(32, 10, 0.1).eval()
        generators = [mirror(f, layer, upsampling="nearest") for layer in LAYERS]
    for g in generators:
        for weight in g.parameters():
            weight.data *= 5 if weight.dim() == 4 else 1  # as they start out, they draw next to nothing
    return [Autoencoder(f, g, layer) for g, layer in zip(generators, LAYERS)]


@pytest.fixture(scope="module")
def transfer(levels):
    return StyleTransfer(levels)


def picture(h, w, seed=0):
    return torch.rand(1, 3, h, w, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("content, style", [((33, 50), (40, 19)), ((64, 64), (16, 16)), ((16, 97), (128, 31))])
def test_any_two_sizes(transfer, content, style):
    painted = transfer(picture(*content), picture(*style, seed=1))
    assert painted.shape == (1, 3, *content) and 0 <= painted.min() and painted.max() <= 1


def test_one_level_by_hand(levels):
    x, s = picture(32, 48), picture(48, 32, seed=1)
    f, g = levels[1].encoder, levels[1].generator
    with torch.no_grad():
        z, z_style = f.features(x, "conv2"), f.features(s, "conv2")
        expected = g(colour(whiten(z, moments(z)), moments(z_style)).float().clamp(min=0))
    torch.testing.assert_close(StyleTransfer(levels[1:2])(x, s), expected)


def test_alpha_0_is_the_reconstruction_and_half_lies_between(levels):
    x, s, transfer = picture(32, 32), picture(32, 32, seed=1), StyleTransfer(levels[:1])
    torch.testing.assert_close(transfer(x, s, alpha=0.0), levels[0].reconstruct(x))
    ends, half = [transfer(x, s, alpha=a) for a in (0.0, 1.0)], transfer(x, s, alpha=0.5)
    assert not torch.allclose(half, ends[0], atol=1e-4) and not torch.allclose(half, ends[1], atol=1e-4)
    by_hand = x  # each level has an alpha of its own
    for autoencoder, alpha in zip(levels, (0.2, 1.0, 0.5)):
        by_hand = StyleTransfer([autoencoder])(by_hand, s, alpha=alpha)
    torch.testing.assert_close(StyleTransfer(levels)(x, s, alpha=(0.2, 1.0, 0.5)), by_hand)


def test_n_contents_and_m_styles_are_factored_once_each(levels, monkeypatch):
    counted = []
    monkeypatch.setattr("arae_core.systems.style_transfer.style_transfer.moments", lambda z: counted.append(1) or moments(z))
    deepest, all_levels = StyleTransfer(levels[:1]), StyleTransfer(levels)
    for transfer, expected in ((deepest, 3 + 2), (all_levels, 3 + 2 * 3 + 3 * 2 * 2)):
        counted.clear()
        contents = [transfer.content(picture(32, 32, seed)) for seed in range(3)]
        styles = [transfer.style(picture(32, 32, seed)) for seed in (3, 4)]
        painted = [transfer(content, style) for content in contents for style in styles]
        assert len(counted) == expected
        torch.testing.assert_close(painted[1], transfer(picture(32, 32, 0), picture(32, 32, 4)))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_style_of_one_colour_is_finite(transfer, value):
    flat = torch.full((1, 3, 64, 64), value)
    for pair in ((picture(32, 32), flat), (flat, picture(32, 32))):
        assert transfer(*pair).isfinite().all()


def test_bad_pictures_and_bad_alpha(transfer, levels):
    good = picture(32, 32)
    assert transfer.least_side == 16
    with pytest.raises(ValueError, match="style of 15 x 40 pixels is smaller than the networks' stride of 16"):
        transfer.style(picture(15, 40))
    pytest.raises(ValueError, transfer, good, 255 * good).match(r"style lies in \[0, 1\]")
    pytest.raises(ValueError, transfer, good * torch.nan, good).match(r"content lies in \[0, 1\]")
    pytest.raises(ValueError, transfer, torch.rand(2, 3, 32, 32), good).match("one picture of floats")
    for alpha in (-0.1, 1.1, float("nan"), [1.0, 1.0], [1.0, 2.0, 0.0]):
        pytest.raises(ValueError, transfer, good, good, alpha=alpha).match("alpha")
    pytest.raises(ValueError, StyleTransfer, []).match("at least one")


def test_textures_are_grey_pictures():
    assert set(data.texture_names()).isdisjoint(data.photo_names())
    for name in data.texture_names():
        x = data.texture(name)
        assert x.shape == (1, 3, 512, 512) and torch.equal(x[:, 0], x[:, 2]) and x.std() > 0.05
    pytest.raises(ValueError, data.texture, "marble").match("brick")
