"""Look for the code from which a generator draws an image best (A, Equation 8 and Section A1.2).

    z* = argmin over z  of  w_pix |x - g(z)|_1 + w_feat ||f(x) - f(g(z))||_2^2

from white Gaussian noise, by gradient descent with momentum, its rate falling linearly. What remains of the loss
says how far the image is from those that the generator was trained on. Without an encoder and with the pixel term
alone it is the search of ADGAN (Deecke et al. 2018).

A searches for one image at a time. Here images go in batches and get the same codes: each has its own loss and its
own noise, and networks in evaluation mode do not mix images. A's code names momentum 0.9, a rate from 0.1 to 0.005
and 100 steps (2,048 by default), for losses that are sums.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from arae_core.data.places import check_integer
from arae_core.losses import InversionWeights, per_image_loss
from arae_core.networks import Encoder, frozen
from arae_core.seeds import derive_seed
from arae_core.training.schedule import set_rate

Watch = Callable[[int, Tensor, Tensor], None]  # step, x_hat (B, 3, H, W), losses (B,)


@dataclass(frozen=True)
class SearchConfig:
    """Stochastic gradient descent on codes. lr: the first rate, which suits one reduction of the loss and no other.

    last: the rate of the end as a part of the first; A's code: 0.05.
    """

    steps: int = 100
    lr: float = 0.1
    last: float = 0.05
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_integer("steps", self.steps)
        if not (0 < self.lr < float("inf") and 0 <= self.last <= 1 and 0 <= self.momentum < 1):
            raise ValueError(f"lr must be positive, last in [0, 1] and momentum in [0, 1): {self}")

    def rate(self, step: int) -> float:
        """The learning rate of a step, 0 to steps - 1: A's lr (1 - 0.95 t / T)."""
        return self.lr * (1 - (1 - self.last) * step / self.steps)


@dataclass(frozen=True)
class Found:
    """codes `(B, *shape)`, x_hat (B, 3, H, W), and the losses (B,) of x_hat with their unweighted terms (B,)."""

    codes: Tensor
    x_hat: Tensor
    losses: Tensor
    terms: dict[str, Tensor]


class SearchDiverged(RuntimeError):
    """A loss became NaN or infinite while its code was searched for."""


def white_noise(images: Sequence[int], shape: Sequence[int], seed: int) -> Tensor:
    """Codes `(B, *shape)` to start from, N(0, 1), on the CPU.

    images: their numbers in the data set. An image's noise depends on the seed and its own number, not on the batch.
    """

    def draw(image: int) -> Tensor:
        own = torch.Generator().manual_seed(derive_seed(seed, "code", image))
        return torch.randn(tuple(shape), generator=own)

    return torch.stack([draw(int(image)) for image in images])


def latent_search(
    generator: nn.Module,
    x: Tensor,
    start: Tensor,
    weights: InversionWeights,
    config: SearchConfig,
    *,
    encoder: Encoder | None = None,
    layer: str | None = None,
    scale: float = 1.0,
    watch: Watch | None = None,
) -> Found:
    """Search for the codes of all images of a batch at once.

    Args:
        generator: g, codes `(B, *shape)` to images (B, 3, H, W) in [0, 1]. It and the encoder are used in evaluation
            mode, their weights stay as they are, and both come back as they were.
        x: (B, 3, H, W) in [0, 1]. start: `(B, *shape)`, see `white_noise`; both of the networks' precision and device.
        encoder, layer: needed if there is a feature weight. scale: as in `per_image_loss`.
        watch: called before every step and once after the last one.

    Raises:
        ValueError: no images, not a start each, or a feature weight without an encoder and its layer.
        SearchDiverged: a loss is not finite.
    """
    if len(x) == 0 or len(x) != len(start):
        raise ValueError(f"a search needs images and a start each: {len(x)} images, {len(start)} starts")
    if weights.feature and (encoder is None or layer is None):
        raise ValueError(f"feature weight {weights.feature} needs an encoder and its layer")
    networks = [generator] + ([encoder] if encoder is not None else [])
    codes = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([codes], lr=config.lr, momentum=config.momentum)

    def features(pictures: Tensor) -> Tensor | None:
        if encoder is None or layer is None or not weights.feature:
            return None
        return encoder.features(pictures, layer)

    with frozen(*networks):
        with torch.no_grad():
            z = features(x)
        for step in range(config.steps + 1):  # where the last step led is only looked at
            x_hat = generator(codes)
            z_hat = features(x_hat)
            losses, terms = per_image_loss(x_hat, x, z_hat, z, weights, scale)
            _check_finite(losses, step, config)
            if watch is not None:
                watch(step, x_hat.detach(), losses.detach())
            if step < config.steps:
                set_rate(optimizer, config.rate(step))
                (codes.grad,) = torch.autograd.grad(losses.sum(), codes)  # each code sees its own loss
                optimizer.step()
    return Found(codes.detach(), x_hat.detach(), losses.detach(), terms)


def _check_finite(losses: Tensor, step: int, config: SearchConfig) -> None:
    bad = ~torch.isfinite(losses)
    if bad.any():
        raise SearchDiverged(
            f"the loss of {int(bad.sum())} of {len(losses)} images is not finite at step {step} of "
            f"{config.steps} (lr {config.lr:g}); lower the rate, or look for NaN in images and weights"
        )
