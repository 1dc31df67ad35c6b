import sys

import pytest
import torch

from arae_core.metrics import inversion_error, mean_distance


def samples(n, seed=0):
    return torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_by_hand():
    """Corners of a right triangle with sides 3, 4, 5: N is 4."""
    b = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert mean_distance(b) == pytest.approx(4.0)
    a = b + torch.tensor([[0.0, 2.0], [4.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(inversion_error(a, b), torch.tensor([0.5, 1.0, 0.0]))


def test_pairs_are_all_pairs_of_different_samples_whatever_the_blocks_of_rows(monkeypatch):
    b = samples(30)
    distances = [(b[i] - b[j]).norm().item() for i in range(30) for j in range(30) if i != j]
    assert mean_distance(b) == pytest.approx(sum(distances) / len(distances), rel=1e-6)
    whole = mean_distance(b)
    monkeypatch.setattr(sys.modules[mean_distance.__module__], "ROWS", 7)
    assert mean_distance(b) == pytest.approx(whole, rel=1e-6)


def test_close_samples_keep_their_digits_and_another_at_random_is_a_hundred_per_cent():
    b = samples(5)  # with a large common offset, by squares and products the distances would be lost
    assert mean_distance(b + 1000) == pytest.approx(mean_distance(b), rel=1e-3)
    b = samples(400)
    assert inversion_error(b.roll(1, 0), b).mean().item() == pytest.approx(1.0, rel=0.02)


def test_the_scale_of_the_whole_set_serves_a_part_and_there_must_be_one():
    b, a = samples(20), samples(20) + 0.1
    whole = inversion_error(a, b)
    torch.testing.assert_close(inversion_error(a[:3], b[:3], mean_distance(b)), whole[:3])
    torch.testing.assert_close(inversion_error(7 * a, 7 * b), whole)
    pytest.raises(ValueError, inversion_error, b[:2], b).match("one shape")
    pytest.raises(ValueError, inversion_error, b[:1], b[:1]).match("two of them")
    pytest.raises(ValueError, inversion_error, b, b[:1].expand_as(b)).match("positive")
