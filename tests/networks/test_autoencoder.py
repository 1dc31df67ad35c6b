"""The pair as one module, and the measures of what it draws."""

import pytest
import torch

from arae_core.data import photos
from arae_core.metrics import psnr, reconstruction
from arae_core.networks import AlexNet, Autoencoder, mirror


@pytest.fixture
def pair():
    torch.manual_seed(0)
    f = AlexNet(image_size=32, num_classes=10, width=0.125)
    return Autoencoder(f, mirror(f, "conv3"), "conv3")


def test_reconstructs_in_evaluation_mode_without_gradients(pair):
    x = torch.rand(2, 3, 32, 32)
    x_hat = pair.reconstruct(x)
    assert x_hat.shape == x.shape and not x_hat.requires_grad and not pair.generator.training
    torch.testing.assert_close(x_hat, pair.decode(pair.encode(x)).detach())
    pytest.raises(ValueError, Autoencoder, pair.encoder, pair.generator, "conv9").match("conv1")


def test_measures_follow_the_order_of_the_images_perfect_and_empty(pair):
    images = photos("test", count=30, seed=0)
    measured = reconstruction(pair.reconstruct, images.batches(8))
    x, _ = images.batch(slice(None))
    assert measured["psnr"].shape == measured["ssim"].shape == (30,)
    torch.testing.assert_close(measured["psnr"], psnr(pair.reconstruct(x), x), atol=1e-4, rtol=1e-4)
    images = photos("test", count=4, seed=0)
    assert (reconstruction(lambda x: x, images.batches(4))["ssim"] > 0.9999).all()
    pytest.raises(ValueError, reconstruction, lambda x: x, []).match("empty")
