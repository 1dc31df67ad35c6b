"""The denoiser's loop: it learns, leaves the encoder alone, resumes bit for bit, is found by its recipe."""

import dataclasses

import pytest
import torch

from arae_core.data import clipped_noise
from arae_core.losses import InversionWeights
from arae_core.systems.denoising import (
    DenoiserConfig,
    WaveletDecoder,
    WaveletEncoder,
    denoising_loss,
    train_denoiser,
)
from arae_core.training import find_else_train
from tests.training.interrupted import Killed, KilledAt, same

CONFIG = DenoiserConfig(epochs=2, batch_size=32)


def built(build, seed=0):
    torch.manual_seed(seed)
    encoder = build().eval()
    return encoder, WaveletDecoder(WaveletEncoder(encoder))


def test_it_learns_to_denoise_and_leaves_the_encoder_alone(tiny, build):
    encoder, decoder = built(build)
    encoder.train()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    history = train_denoiser(decoder, tiny, DenoiserConfig(epochs=12, batch_size=16, lr=5e-3), encoder=encoder, seed=0)
    assert history[-1]["pixel"] < 0.3 * history[0]["pixel"] and len(history) == 12 and not decoder.training
    assert all(torch.equal(before[k], v) for k, v in encoder.state_dict().items()) and encoder.training
    assert all(p.requires_grad and p.grad is None for p in encoder.parameters())
    x, _ = tiny.batch(slice(None))
    noisy = clipped_noise(x, 50 / 255, seed=9)
    with torch.no_grad():
        x_hat = decoder(WaveletEncoder(encoder.eval())(noisy))
    assert (x_hat - x).square().mean() < 0.5 * (noisy - x).square().mean()


def test_the_loss_by_hand():
    x, x_hat = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    z, z_hat = torch.full((2, 4), 2.0), torch.full((2, 4), 3.0)
    loss, terms = denoising_loss(x_hat, x, z_hat, z, InversionWeights(2.0, 0.1, 0.0, "mean"))
    assert loss.item() == pytest.approx(2 * 0.25 + 0.1 * 0.25) and set(terms) == {"pixel", "feature"}
    loss, terms = denoising_loss(x_hat, x, z_hat, z, InversionWeights(0.002, 0.01, 0.0, "sum"))  # A's
    assert loss.item() == pytest.approx(0.002 * 24 * 0.25 + 0.01 * 8)
    loss, terms = denoising_loss(x_hat, x, None, None, InversionWeights(1.0, 0.0, 0.0, "mean"))
    assert loss.item() == 0.25 and set(terms) == {"pixel"}


def test_one_step_by_hand(tiny, build):
    """Noise from the step's seed, Haar features of the noisy image, feature loss by the encoder with max poolings."""
    from arae_core.seeds import derive_seed

    config = DenoiserConfig(epochs=1, batch_size=96, schedule="constant", precision="fp32", lr=1e-4)
    (encoder, trained), (_, again) = built(build), built(build)
    history = train_denoiser(trained, tiny, config, encoder=encoder, seed=3)
    x, _ = next(iter(tiny.batches(96, seed=derive_seed(3, "data", 0), drop_last=True)))
    x = x.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(derive_seed(3, "step", 0, 0))
    x_hat = again.train()(WaveletEncoder(encoder)(clipped_noise(x, 50 / 255)))
    z_hat, z = (encoder.features(its, "conv5") for its in (x_hat, x))
    loss = (x_hat - x).square().mean() + 0.001 * (z_hat - z).square().mean() / z.square().mean()
    assert history[0]["loss"] == pytest.approx(loss.item(), rel=1e-4)


@pytest.mark.parametrize("died_at", [2, 4])
def test_a_killed_run_resumes_bit_identically(tiny, build, tmp_path, died_at):
    encoder, whole = built(build)
    train_denoiser(whole, tiny, CONFIG, encoder=encoder, seed=1)
    _, broken = built(build)
    with pytest.raises(Killed):
        train_denoiser(broken, KilledAt(tiny, died_at), CONFIG, encoder=encoder, seed=1, state_file=tmp_path / "s")
    _, again = built(build)
    train_denoiser(again, tiny, CONFIG, encoder=encoder, seed=1, state_file=tmp_path / "s")
    assert same(whole, again)


def test_found_the_second_time_and_keyed_by_its_recipe(tiny, build):
    encoder, _ = built(build)

    def trained(skips=True, **changes):
        config = dataclasses.replace(DenoiserConfig(epochs=1, batch_size=48), **changes)
        return find_else_train(lambda: WaveletDecoder(WaveletEncoder(encoder), skips=skips), train_denoiser, tiny, config, encoder=encoder, seed=0)

    first = trained()
    assert not first.found and trained().found and same(first.model, trained().model)
    assert not trained(sigma=0.1).found and not trained(lr=1e-4).found and not trained(skips=False).found
    with torch.no_grad():
        encoder.stages["conv1"][0].bias[0] += 1e-3
    assert trained().key != first.key


@pytest.mark.parametrize("sigma", [-0.1, 50, float("nan")])
def test_a_noise_level_that_cannot_be_meant(sigma):
    pytest.raises(ValueError, DenoiserConfig, sigma=sigma).match("sigma")


def test_there_is_no_discriminator():
    with pytest.raises(ValueError, match="adversarial"):
        DenoiserConfig(weights=InversionWeights(1.0, 0.0, 0.1, "mean"))
