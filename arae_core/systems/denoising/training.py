"""Train a decoder to denoise with a frozen encoder's wavelet features (A, Sections 4.2 and A4.3).

    x_noisy = clip(x + n);   z, details = f_Haar(x_noisy);   x_hat = g(z, details)

g minimises a pixel loss and a feature loss between x_hat and the *clean* x. The noise is fresh in every step. For the
feature loss the encoder is what it was trained to be, with max poolings: it is a judge here, and none of A's text says
that the judge changed.

A: squared errors, summed (weights 0.002 and 0.01). Ours by default are means, the feature term relative to the
features' own mean square, as in `losses.inversion`. The pixel loss is squared, unlike an inverter's.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from arae_core.data import Images
from arae_core.data.noise import check_sigma, clipped_noise
from arae_core.losses import InversionWeights, feature_loss
from arae_core.networks import Encoder, frozen
from arae_core.systems.denoising.wavelet_encoder import WaveletEncoder
from arae_core.training import distributed
from arae_core.training.precision import mixed_precision
from arae_core.training.run import History, Run
from arae_core.training.schedule import factor, set_rate

VERSION = 1  # goes up when the same config gives other weights
ROLE = "denoiser"


@dataclass(frozen=True)
class DenoiserConfig:
    """Recipe of Adam training; defaults for the small decoders, A's are in its `paper` profile.

    Raises ValueError for a sigma outside [0, 1] and for an adversarial weight: there is no discriminator here.
    """

    layer: str = "conv5"
    sigma: float = 50 / 255  # A's
    weights: InversionWeights = InversionWeights(1.0, 0.001, 0.0, "mean")
    epochs: int = 4
    batch_size: int = 16  # A: 128
    lr: float = 2e-3  # A: 3e-4
    betas: tuple[float, float] = (0.9, 0.999)  # A: (0, 0.9)
    schedule: str = "one-cycle"  # A: "step"
    augment: str = "none"
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        if self.weights.adversarial:
            raise ValueError("a denoiser has no discriminator: its adversarial weight must be 0")


def train_denoiser(
    decoder: nn.Module,
    data: Images,
    config: DenoiserConfig,
    *,
    encoder: Encoder,
    seed: int,
    state_file: Path | None = None,
    title: str = "denoiser",
) -> History:
    """Train the decoder in place; the encoder stays as it is.

    Returns one {"epoch", "loss", "pixel", "feature", "seconds"} an epoch, with the terms that the weights ask for.

    Raises:
        TrainingDiverged, KeyboardInterrupt: as `train_classifier`.
    """
    device = next(decoder.parameters()).device
    decoder.to(memory_format=torch.channels_last).train()
    encoder.to(device).to(memory_format=torch.channels_last)
    wavelet = WaveletEncoder(encoder, config.layer)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=config.lr, betas=config.betas)
    run = Run.over(data, config, seed, device, state_file, title, rearranged=False)  # as in its records
    g = distributed.learner(decoder)
    with frozen(encoder):
        for x, _ in run.steps({"decoder": decoder}, {"adam": optimizer}):
            rate = factor(config.schedule, run.global_step, run.total_steps, run.epoch)
            set_rate(optimizer, config.lr * rate)
            x_noisy = clipped_noise(x, config.sigma)  # from the step's own seed, which the run has set
            with mixed_precision(device, config.precision):
                with torch.no_grad():
                    features = wavelet(x_noisy)
                    z = encoder.features(x, config.layer) if config.weights.feature else None
                x_hat = g(features)
                z_hat = encoder.features(x_hat, config.layer) if config.weights.feature else None
            loss, terms = denoising_loss(x_hat.float(), x, z_hat, z, config.weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss, **terms)
    decoder.eval()
    return run.history


def denoising_loss(
    x_hat: Tensor, x: Tensor, z_hat: Tensor | None, z: Tensor | None, weights: InversionWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of squared pixel and squared feature error, and the unweighted terms in use.

    x_hat, x: (B, 3, H, W) in [0, 1]. z_hat, z: their features, of any equal shape; None without a feature weight.
    """
    terms = {}
    if weights.pixel:
        terms["pixel"] = mse_loss(x_hat, x, reduction=weights.reduction)
    if weights.feature:
        assert z_hat is not None and z is not None
        terms["feature"] = feature_loss(z_hat.float(), z.float(), weights.reduction)
    return sum(getattr(weights, name) * term for name, term in terms.items()), terms
