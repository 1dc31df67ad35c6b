"""Pictures of any size through an autoencoder: padded and cropped, whole or in tiles."""

import copy

import pytest
import torch
from torch import nn

from arae_core.networks import AlexNet, Autoencoder, mirror
from arae_core.systems.whole_pictures import AnySize
from arae_core.systems.whole_pictures.sizes import Grid
from arae_core.systems.whole_pictures.tiles import in_tiles, spans, tile_sides, window


@pytest.fixture(scope="module")
def pair():
    """Random weights and, as after training, batch norms with statistics of their own."""
    torch.manual_seed(0)
    f = AlexNet(32, 10, width=0.0625)
    g = mirror(f, "conv5")
    pair = Autoencoder(f, g, "conv5")
    for module in g.train().modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the statistics of all batches so far
    with torch.no_grad():
        for _ in range(4):
            g(f.features(torch.rand(32, 3, 32, 32), "conv5"))
    return pair.eval()


@pytest.mark.parametrize("size", [(32, 32), (16, 17), (33, 47), (100, 50), (31, 160), (211, 16)])
def test_any_height_and_width(pair, size):
    x = torch.rand(2, 3, *size)
    x_hat = AnySize(pair)(x)
    assert x_hat.shape == x.shape and not x_hat.requires_grad and 0 <= x_hat.min() and x_hat.max() <= 1


def test_sizes_that_fit_are_not_touched_others_repeat_the_last_row_and_column(pair):
    x = torch.rand(3, 3, 48, 80)
    torch.testing.assert_close(AnySize(pair)(x), pair.reconstruct(x))
    x = torch.rand(1, 3, 40, 61)
    by_hand = torch.cat([x, x[:, :, -1:].expand(-1, -1, 8, -1)], dim=2)
    by_hand = torch.cat([by_hand, by_hand[..., -1:].expand(-1, -1, -1, 3)], dim=3)
    torch.testing.assert_close(AnySize(pair)(x), pair.reconstruct(by_hand)[..., :40, :61])


@pytest.mark.parametrize("size", [(320, 320), (600, 250), (37, 700), (431, 517)])
def test_tiles_agree_with_the_whole(pair, size):
    x = torch.rand(1, 3, *size)
    any_size = AnySize(pair)
    whole, tiled = any_size(x), AnySize(pair, pixels=220 * 220)(x)
    assert whole.std() > 0.05  # else everything would agree
    assert (whole - tiled).abs().max() < 1e-4
    if size == (320, 320):  # with less overlap they would not
        tiled = in_tiles(pair.reconstruct, x, any_size.grid, any_size.reach // 3, pixels=220 * 220)
        assert (whole - tiled).abs().max() > 1e-3


def test_no_pass_is_larger_than_allowed(pair):
    seen = []
    stage = pair.encoder.stages["conv1"]
    with stage.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].numel() // 3)):
        for shape in ((1, 3, 400, 500), (3, 3, 400, 64), (90, 3, 32, 32), (1, 3, 20_000, 64)):
            seen.clear()
            assert AnySize(pair, pixels=50_000)(torch.rand(shape)).shape == shape
            assert max(seen) <= 50_000 and sum(seen) >= shape[0] * shape[2] * shape[3]


def test_other_precisions(pair):
    x, any_size = torch.rand(1, 3, 250, 251), AnySize(pair, pixels=220 * 220)
    with torch.autocast("cpu", torch.bfloat16):
        half = any_size(x)
    assert half.dtype == torch.float32 and (half - any_size(x)).abs().mean() < 0.02
    assert AnySize(copy.deepcopy(pair).double())(x.double()).dtype == torch.float64


def test_too_small_or_no_picture_or_a_budget_without_room_says_which_would_do(pair):
    with pytest.raises(ValueError, match="15 x 200 pixels is smaller than the network's stride of 16"):
        AnySize(pair)(torch.rand(1, 3, 15, 200))
    pytest.raises(ValueError, AnySize(pair), torch.rand(3, 64, 64)).match("batch")
    pytest.raises(ValueError, AnySize(pair), torch.rand(0, 3, 64, 64)).match("batch")
    pytest.raises(ValueError, AnySize, pair, pixels=0).match("positive")
    x = torch.rand(1, 3, 300, 300)
    with pytest.raises(ValueError, match="too small.*allow 43,264"):  # (2 * 92 + 16, on the grid: 208) squared
        AnySize(pair, pixels=43_263)(x)
    assert AnySize(pair, pixels=43_264)(x).shape == x.shape
    f = AlexNet(32, 10, width=0.0625)  # fully connected layers are refused at once
    pytest.raises(ValueError, AnySize, Autoencoder(f, mirror(f, "fc6"), "fc6")).match("tied to one size")


def test_spans_cover_without_gap_or_overlap():
    for length in range(16 * 13, 16 * 60, 16):
        found = spans(length, 16 * 13, 92, 16)
        assert [end for _, _, end in found[:-1]] == [start for _, start, _ in found[1:]]
        assert found[0][1] == 0 and found[-1][2] == length
        for begin, start, end in found:
            assert begin % 16 == 0 and 0 <= begin <= length - 16 * 13
            assert start == 0 or start - begin >= 92
            assert end == length or begin + 16 * 13 - end >= 92


def test_thin_pictures_get_long_tiles_and_windows_may_reach_beyond_the_edge():
    assert tile_sides(64, 20_000, Grid(16, 16), 92, 40_000) == (64, 624)
    assert tile_sides(20_000, 64, Grid(16, 16), 92, 40_000) == (624, 64)
    assert tile_sides(4000, 6000, Grid(16, 16), 92, 1_000_000) == (992, 1008)
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert window(x, range(0, 2), range(1, 3))[0, 0].tolist() == [[1, 2], [4, 5]]
    assert window(x, range(1, 4), range(1, 5))[0, 0].tolist() == [[4, 5, 5, 5]] * 3


def test_any_network_of_the_same_size():
    """Not only autoencoders: a denoiser will be run in this way too."""
    torch.manual_seed(0)
    blur = nn.Conv2d(3, 3, 9, padding=4, groups=3)
    any_size = AnySize(blur, pixels=1000)
    assert any_size.grid == Grid(1, 1) and any_size.reach == 4
    x = torch.rand(1, 3, 71, 53)
    torch.testing.assert_close(any_size(x), blur(x).detach())
