"""The Gram loss against loops; it does not see where things are."""

import pytest
import torch

from arae_core.losses import gram_loss, gram_matrix


def maps(seed, h=4, w=5):
    rng = torch.Generator().manual_seed(seed)
    return [torch.rand(2, 3, h, w, generator=rng), torch.rand(2, 6, h // 2, w // 2, generator=rng)]


def test_matrix_and_loss_by_hand():
    (z, _), c, n = maps(0), 3, 20
    g = gram_matrix(z)
    expected = [[float((z[1, i] * z[1, j]).sum()) / (c * n) for j in range(c)] for i in range(c)]
    torch.testing.assert_close(g[1], torch.tensor(expected), rtol=1e-5, atol=0)
    a, b = maps(0), maps(1)
    expected = 0.0
    for p, q in zip(a, b):
        means = [t[0].mean(dim=(1, 2)) for t in (p, q)]
        grams = [gram_matrix(t)[0] for t in (p, q)]
        expected += float(((means[0] - means[1]) ** 2).mean() + ((grams[0] - grams[1]) ** 2).mean())
    assert gram_loss(a, b)[0].item() == pytest.approx(expected, rel=1e-5)


def test_relative_loss_knows_no_scale():
    a, b = maps(0), maps(1)
    layer = gram_loss(a[:1], b[:1], relative=True)
    torch.testing.assert_close(gram_loss([9 * a[0]], [9 * b[0]], relative=True), layer)
    assert 0 < layer.min() and layer.max() < 1
    nought = [0 * z for z in a]
    torch.testing.assert_close(gram_loss(nought, b, relative=True), torch.ones(2))  # nothing in common
    torch.testing.assert_close(gram_loss(a, nought, relative=True), torch.ones(2))
    assert gram_loss(nought, nought, relative=True).tolist() == [0, 0]


def test_nought_for_shuffled_places_and_not_for_another_picture():
    a = maps(0)
    shuffled = [z.flatten(2)[:, :, torch.randperm(z[0, 0].numel())].view_as(z) for z in a]
    assert gram_loss(shuffled, a).max() < 1e-10
    assert gram_loss(maps(1), a).min() > 1e-4


def test_sizes_may_differ_and_layers_may_not():
    assert gram_loss(maps(0), maps(1, h=8, w=8)).shape == (2,)
    pytest.raises(ValueError, gram_loss, maps(0)[:1], maps(1)).match("same layers")
    pytest.raises(ValueError, gram_loss, [], []).match("same layers")
    pytest.raises(ValueError, gram_matrix, torch.rand(3, 4)).match("B, C, h, w")
