"""What a reconstruction has to beat, against numpy."""

import numpy as np
import pytest
import torch

from arae_core import metrics
from arae_core.data import ImageSet


@pytest.fixture
def train():
    images = torch.randint(0, 256, (300, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return ImageSet("noise", images, torch.zeros(300).long(), ("a",))


def test_own_means_are_means():
    x = torch.rand(2, 3, 8, 12)
    assert torch.allclose(metrics.own_means(1)(x), x.mean(dim=(2, 3), keepdim=True).expand_as(x), atol=1e-6)
    quarters = metrics.own_means(2)(x)
    assert torch.allclose(quarters[..., 0, 0], x[..., :4, :6].mean(dim=(2, 3)), atol=1e-6)
    assert quarters.shape == x.shape and quarters.min() >= x.min() and quarters.max() <= x.max()


def test_more_numbers_draw_better(train):
    x, _ = train.batch(slice(None))
    drawn = metrics.floors(train, (1, 8, 64))
    score = {name: float(metrics.psnr(draw(x), x).mean()) for name, draw in drawn.items()}
    assert score["training-mean"] < score["flat-colour"] < score["means-2x2"] < score["means-4x4"]
    assert score["training-mean"] < score["pca-1"] < score["pca-8"] < score["pca-64"]
    assert all(draw(x).shape == x.shape for draw in drawn.values())


def test_principal_components_are_those_of_numpy():
    generator = torch.Generator().manual_seed(1)
    axes = torch.linalg.qr(torch.randn(48, 4, generator=generator))[0].T
    x = 0.5 + torch.randn(500, 4, generator=generator) * torch.tensor([8.0, 4.0, 2.0, 1.0]) @ axes
    mean, vectors = metrics.principal_components(x.view(500, 3, 4, 4), 3)
    flat = x.numpy().astype(np.float64)
    wanted = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[2][:3]
    assert np.allclose(mean, flat.mean(0), atol=1e-4)
    assert np.allclose(np.abs((wanted @ vectors.numpy()).diagonal()), 1.0, atol=1e-3)


def test_the_global_generator_stays_where_it_was(train):
    x, _ = train.batch(slice(None))
    torch.manual_seed(3)
    before = torch.get_rng_state()
    metrics.principal_components(x, 4)
    assert torch.equal(before, torch.get_rng_state())


def test_a_drawing_from_k_components_is_worth_k(train):
    x, _ = train.batch(slice(None))
    mean, vectors = metrics.principal_components(x, 64)
    for k in (0, 1, 7, 40):
        basis = vectors[:, :k]
        drawn = ((x.flatten(1) - mean) @ basis @ basis.T + mean).view_as(x).clamp(0, 1)
        value = float(metrics.psnr(drawn, x).mean())
        assert metrics.worth(value - 1e-4, x, mean, vectors) == k
    assert metrics.worth(1000.0, x, mean, vectors) == 64
