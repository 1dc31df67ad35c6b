"""The search: batches against one at a time, a step by hand, what it finds, what it leaves alone, what it refuses."""

import pytest
import torch
from torch import nn

from arae_core.losses import InversionWeights
from arae_core.networks import AlexNet, mirror
from arae_core.systems.anomaly import SearchConfig, SearchDiverged, latent_search, white_noise
from tests.tiny import untouched, vivid

EQUATION_8 = InversionWeights(1.0, 0.1, 0.0, "mean")
PIXELS = InversionWeights(1.0, 0.0, 0.0, "mean")


@pytest.fixture
def pair():
    """A small encoder and its mirror, with batch statistics that are not those of a fresh network."""
    torch.manual_seed(0)
    f = AlexNet(image_size=32, num_classes=3, width=0.1).eval()
    g = vivid(mirror(f, "conv5"))
    for _ in range(3):
        g(f.features(torch.rand(8, 3, 32, 32), "conv5"))
    return f, g


@pytest.fixture
def x():
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def search(pair, x, numbers, config, dtype=torch.float32, weights=EQUATION_8):
    f, g = (network.to(dtype) for network in pair)
    noise = white_noise(numbers, f.feature_shape("conv5"), seed=0).to(dtype)
    return latent_search(g, x.to(dtype), noise, weights, config, encoder=f, layer="conv5")


def test_a_batch_finds_what_one_at_a_time_finds(pair, x):
    config = SearchConfig(steps=10, lr=5.0)
    together = search(pair, x, range(5), config, torch.float64)
    for i in range(5):
        alone = search(pair, x[i:i + 1], [i], config, torch.float64)
        assert torch.allclose(together.codes[i], alone.codes[0], rtol=0, atol=1e-8)
        assert torch.allclose(together.losses[i], alone.losses[0], rtol=0, atol=1e-8)
    assert (together.codes - white_noise(range(5), (26, 2, 2), 0)).abs().max() > 1e-3  # they did move


def test_an_images_noise_is_its_own():
    whole = white_noise([7, 3, 5], (4, 2, 2), seed=1)
    assert torch.equal(whole[1], white_noise([3], (4, 2, 2), seed=1)[0])
    assert not torch.equal(whole[0], whole[1]) and not torch.equal(whole, white_noise([7, 3, 5], (4, 2, 2), seed=2))
    many = white_noise(range(200), (100,), seed=0)
    assert abs(many.mean()) < 0.03 and abs(many.std() - 1) < 0.03


def test_two_steps_by_hand():
    """g(z) = sigmoid(z) for one pixel value, no encoder: momentum and falling rate as A's code has them."""
    x, start = torch.tensor([0.9, 0.1, 0.5]).view(1, 3, 1, 1), torch.tensor([[0.0, 1.0, 2.0]])
    pixel = nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, (3, 1, 1)))
    found = latent_search(pixel, x, start, PIXELS, SearchConfig(steps=2, lr=3.0))
    z, velocity = start[0].clone(), torch.zeros(3)
    for rate in (3.0, 3.0 * (1 - 0.95 / 2)):
        s = torch.sigmoid(z)
        velocity = 0.9 * velocity + torch.sign(s - x.flatten()) / 3 * s * (1 - s)
        z = z - rate * velocity
    assert torch.allclose(found.codes[0], z, atol=1e-6)
    assert found.losses.item() == pytest.approx((torch.sigmoid(z) - x.flatten()).abs().mean().item(), abs=1e-6)
    config = SearchConfig(steps=100, lr=0.1)  # falls linearly to a twentieth
    assert config.rate(0) == 0.1 and config.rate(50) == pytest.approx(0.0525)
    assert config.rate(99) == pytest.approx(0.1 * (1 - 0.95 * 0.99))


def test_a_known_code_stays_and_another_is_approached(pair):
    f, g = pair[0], pair[1].eval()
    code = white_noise([0], f.feature_shape("conv5"), seed=3)
    with torch.no_grad():
        x = g(code)
    there = latent_search(g, x, code, EQUATION_8, SearchConfig(steps=3, lr=1.0), encoder=f, layer="conv5")
    assert there.losses.item() < 1e-5
    start = white_noise([1], f.feature_shape("conv5"), seed=3)
    seen = []
    latent_search(g, x, start, EQUATION_8, SearchConfig(steps=60, lr=200.0), encoder=f, layer="conv5",
                  watch=lambda step, x_hat, losses: seen.append((step, losses.item())))
    assert [step for step, _ in seen] == list(range(61)) and seen[-1][1] < 0.7 * seen[0][1]


def test_networks_come_back_as_they_were(pair, x):
    with untouched(pair[0].train()), untouched(pair[1].train()):
        search(pair, x, range(5), SearchConfig(steps=2, lr=1.0))


def test_nan_and_what_cannot_be_meant_are_clear_errors(pair, x):
    g, start, config = pair[1], white_noise(range(5), (26, 2, 2), 0), SearchConfig()
    pytest.raises(ValueError, latent_search, g, x, start, EQUATION_8, config).match("needs an encoder")
    pytest.raises(ValueError, latent_search, g, x, start[:4], PIXELS, config).match("5 images, 4 starts")
    pytest.raises(ValueError, latent_search, g, x[:0], start[:0], PIXELS, config).match("0 images")
    for wrong in ({"steps": 0}, {"lr": 0.0}, {"lr": float("nan")}, {"momentum": 1.0}, {"last": 2.0}):
        pytest.raises(ValueError, SearchConfig, **wrong)
    x[2, 0, 4, 4] = torch.nan
    said = pytest.raises(SearchDiverged, search, pair, x, range(5), SearchConfig(steps=2))
    said.match("1 of 5 images is not finite at step 0")
    nn.init.constant_(next(pair[1].parameters()), torch.nan)
    pytest.raises(SearchDiverged, search, pair, x[:2], range(2), SearchConfig(steps=2)).match("look for NaN")
