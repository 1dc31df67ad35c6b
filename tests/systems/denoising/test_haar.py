"""Haar analysis and synthesis: by hand, orthonormal, undone exactly."""

import pytest
import torch

from arae_core.systems.denoising import haar_analysis, haar_synthesis


def test_one_block_by_hand():
    ll, details = haar_analysis(torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]]]))
    assert ll.item() == 5.5 and details.flatten().tolist() == [2.5, 1.5, 0.5]


@pytest.mark.parametrize("size", [(2, 2), (8, 6), (16, 34)])
def test_perfect_reconstruction(size):
    x = torch.randn(3, 5, *size, dtype=torch.float64)
    ll, details = haar_analysis(x)
    assert ll.shape == (3, 5, size[0] // 2, size[1] // 2) and details.shape == (3, 3, 5, size[0] // 2, size[1] // 2)
    torch.testing.assert_close(haar_synthesis(ll, details), x, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [(5, 8), (8, 7), (27, 27), (13, 55)])
def test_odd_sides_come_back_but_for_the_last_row_or_column(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    again = haar_synthesis(*haar_analysis(x))
    height, width = (n // 2 * 2 for n in size)
    torch.testing.assert_close(again, x[..., :height, :width], rtol=0, atol=1e-14)


def test_it_is_orthonormal():
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    ll, details = haar_analysis(x)
    assert (ll.square().sum() + details.square().sum()).item() == pytest.approx(x.square().sum().item())
    basis = torch.eye(4, dtype=torch.float64).view(4, 1, 2, 2)
    ll, details = haar_analysis(basis)
    matrix = torch.cat([ll.flatten(1), details.flatten(1)], dim=1)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(4, dtype=torch.float64))


def test_synthesis_then_analysis_is_the_identity_too():
    ll, details = torch.randn(2, 4, 3, 5, dtype=torch.float64), torch.randn(2, 3, 4, 3, 5, dtype=torch.float64)
    for wanted, got in zip((ll, details), haar_analysis(haar_synthesis(ll, details))):
        torch.testing.assert_close(got, wanted)


def test_without_details_each_block_is_even():
    ll = torch.randn(1, 2, 3, 3)
    assert torch.equal(haar_synthesis(ll), haar_synthesis(ll, torch.zeros(1, 3, 2, 3, 3)))
    again, details = haar_analysis(haar_synthesis(ll))
    torch.testing.assert_close(again, ll)
    assert details.abs().max() == 0


def test_gradients():
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: haar_synthesis(*haar_analysis(x)), x)


def test_what_does_not_fit_is_refused():
    pytest.raises(ValueError, haar_analysis, torch.rand(1, 1, 1, 8)).match("two pixels")
    with pytest.raises(ValueError, match="do not belong"):
        haar_synthesis(torch.rand(1, 2, 4, 4), torch.rand(1, 3, 2, 4, 5))
