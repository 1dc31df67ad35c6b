"""A picture in patches: each drawn alone, and put back in its place."""

import itertools

import pytest
import torch
from torch import nn

from arae_core.systems.whole_pictures import in_patches


@pytest.mark.parametrize("size", [(32, 48), (37, 50), (5, 7), (16, 16)])
def test_what_changes_nothing_gives_the_picture_back(size):
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    assert torch.equal(in_patches(lambda patches: patches, x, 16), x)


def test_each_patch_is_drawn_alone():
    torch.manual_seed(0)
    network = nn.Conv2d(3, 4, 5, padding=2).double()
    x = torch.rand(2, 3, 24, 16, dtype=torch.float64)
    drawn = in_patches(network, x, 8)
    assert drawn.shape == (2, 4, 24, 16)
    for top, left in itertools.product((0, 8, 16), (0, 8)):
        patch = slice(top, top + 8), slice(left, left + 8)
        torch.testing.assert_close(drawn[:, :, *patch], network(x[:, :, *patch]), rtol=0, atol=1e-12)
    assert not torch.allclose(drawn, network(x))  # padding around every patch is not that of the whole


def test_edges_are_repeated_where_the_last_patches_reach_over_them():
    seen = []
    x = torch.arange(6.0).view(1, 1, 2, 3)
    in_patches(lambda patches: seen.append(patches) or patches, x, 2)
    assert torch.equal(torch.cat(seen), torch.tensor([[[[0.0, 1], [3, 4]]], [[[2.0, 2], [5, 5]]]]))


def test_a_pass_holds_as_many_pixels_as_it_may():
    sizes = []
    x = torch.rand(1, 3, 40, 40)
    whole = in_patches(lambda patches: sizes.append(len(patches)) or patches, x, 8, pixels=4 * 64 + 1)
    assert sizes == [4, 4, 4, 4, 4, 4, 1] and torch.equal(whole, x)
    in_patches(lambda patches: sizes.append(len(patches)) or patches, x, 40, pixels=1)
    assert sizes[-1] == 1


@pytest.mark.parametrize(("x", "side", "said"), [
    (torch.rand(3, 8, 8), 4, "batch"), (torch.rand(1, 3, 0, 8), 4, "batch"), (torch.rand(1, 3, 8, 8), 0, "side"),
    (torch.rand(1, 3, 8, 8), 2.5, "side"),
])
def test_bad_pictures_sides_and_networks_are_refused(x, side, said):
    pytest.raises(ValueError, in_patches, lambda patches: patches, x, side).match(said)
    shrunk = pytest.raises(ValueError, in_patches, nn.AvgPool2d(2), torch.rand(1, 3, 8, 8), 8)
    shrunk.match(r"\(4, 4\) pixels, not \(8, 8\)")
