"""The denoiser's loop: it learns, and its loss and first step by hand."""

import pytest
import torch

from arae_core.data import clipped_noise
from arae_core.losses import InversionWeights
from arae_core.seeds import derive_seed
from arae_core.systems.denoising import DenoiserConfig, WaveletDecoder, WaveletEncoder
from arae_core.systems.denoising.training import denoising_loss, train_denoiser
from tests.tiny import built


def networks(build):
    encoder = built(build).eval()
    return encoder, WaveletDecoder(WaveletEncoder(encoder))


def test_it_learns_to_denoise(tiny, build):
    encoder, decoder = networks(build)
    history = train_denoiser(decoder, tiny, DenoiserConfig(epochs=12, batch_size=16, lr=5e-3), encoder=encoder, seed=0)
    assert history[-1]["pixel"] < 0.3 * history[0]["pixel"] and len(history) == 12 and not decoder.training
    x, _ = tiny.batch(slice(None))
    noisy = clipped_noise(x, 50 / 255, seed=9)
    with torch.no_grad():
        x_hat = decoder(WaveletEncoder(encoder)(noisy))
    assert (x_hat - x).square().mean() < 0.5 * (noisy - x).square().mean()


def test_the_loss_by_hand_and_what_cannot_be_meant():
    x, x_hat = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    z, z_hat = torch.full((2, 4), 2.0), torch.full((2, 4), 3.0)
    loss, terms = denoising_loss(x_hat, x, z_hat, z, InversionWeights(2.0, 0.1, 0.0, "mean"))
    assert loss.item() == pytest.approx(2 * 0.25 + 0.1 * 0.25) and set(terms) == {"pixel", "feature"}
    loss, terms = denoising_loss(x_hat, x, z_hat, z, InversionWeights(0.002, 0.01, 0.0, "sum"))  # A's
    assert loss.item() == pytest.approx(0.002 * 24 * 0.25 + 0.01 * 8)
    loss, terms = denoising_loss(x_hat, x, None, None, InversionWeights(1.0, 0.0, 0.0, "mean"))
    assert loss.item() == 0.25 and set(terms) == {"pixel"}
    for sigma in (-0.1, 50, float("nan")):
        pytest.raises(ValueError, DenoiserConfig, sigma=sigma).match("sigma")
    weights = InversionWeights(1.0, 0.0, 0.1, "mean")  # there is no discriminator
    pytest.raises(ValueError, DenoiserConfig, weights=weights).match("adversarial")


def test_one_step_by_hand(tiny, build):
    """Noise from the step's seed, Haar features of the noisy image, feature loss by the encoder with max poolings."""
    config = DenoiserConfig(epochs=1, batch_size=96, schedule="constant", precision="fp32", lr=1e-4)
    (encoder, trained), (_, again) = networks(build), networks(build)
    history = train_denoiser(trained, tiny, config, encoder=encoder, seed=3)
    x, _ = next(iter(tiny.batches(96, seed=derive_seed(3, "data", 0), drop_last=True)))
    x = x.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(derive_seed(3, "step", 0, 0))
    x_hat = again.train()(WaveletEncoder(encoder)(clipped_noise(x, 50 / 255)))
    z_hat, z = (encoder.features(its, "conv5") for its in (x_hat, x))
    loss = (x_hat - x).square().mean() + 0.001 * (z_hat - z).square().mean() / z.square().mean()
    assert history[0]["loss"] == pytest.approx(loss.item(), rel=1e-4)
