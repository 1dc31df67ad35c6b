"""The denoiser on pictures of any size, and on input that is none."""

import pytest
import torch

from arae_core.networks import AlexNet
from arae_core.systems.denoising import Denoiser, WaveletDecoder, WaveletEncoder
from arae_core.systems.whole_pictures import AnySize
from arae_core.systems.whole_pictures.sizes import Grid


@pytest.fixture(scope="module")
def denoiser():
    torch.manual_seed(0)
    f = AlexNet(32, 10, width=0.0625)
    return Denoiser(f, WaveletDecoder(WaveletEncoder(f)))


def test_its_grid_is_the_strides_and_at_224_pixels_has_the_training_size(denoiser):
    assert AnySize(denoiser).grid == Grid(16, 16)
    f = AlexNet(224, 10, width=0.05)
    grid = AnySize(Denoiser(f, WaveletDecoder(WaveletEncoder(f)))).grid
    assert grid == Grid(64, 32) and grid.at_least(224) == 224


@pytest.mark.parametrize("size", [(16, 16), (32, 32), (48, 80), (33, 47), (100, 50)])
def test_any_size_in_range(denoiser, size):
    for x in (*(torch.full((2, 3, *size), grey) for grey in (0.0, 0.5, 1.0)), torch.rand(2, 3, *size)):
        x_hat = denoiser.denoise(x)
        assert x_hat.shape == x.shape and not x_hat.requires_grad and 0 <= x_hat.min() and x_hat.max() <= 1
    if size[0] % 16 == size[1] % 16 == 0:  # encoder and decoder and nothing else
        torch.testing.assert_close(x_hat, denoiser.decoder(denoiser.encoder(x)).detach())


def test_large_pictures_in_tiles(denoiser):
    x = torch.rand(1, 3, 400, 330)
    tiled = Denoiser(denoiser.encoder.encoder, denoiser.decoder, pixels=240 * 240).denoise(x)
    torch.testing.assert_close(tiled, denoiser.denoise(x), rtol=0, atol=1e-4)


@pytest.mark.parametrize("x, message", [(255 * torch.rand(1, 3, 32, 32), "by 255"), (torch.rand(1, 3, 32, 32) - 0.5, "clamp"),
    (torch.full((1, 3, 32, 32), float("nan")), "lie in"), (torch.rand(3, 32, 32), "batch"),
    (torch.rand(1, 3, 9, 40), "smaller than the network's stride"), (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "255"),
])
def test_what_is_no_picture_is_refused(denoiser, x, message):
    pytest.raises(TypeError if x.dtype == torch.uint8 else ValueError, denoiser.denoise, x).match(message)
