"""Invert features without a generator: optimise the picture itself, anew for each image (A, Equation 1).

    x_hat = argmin over x'  of  F(f(x'), z) + R(x')

Two rivals share one loop. Robust inversion (Engstrom et al. 2019) leaves R out, since a robust encoder's
features are prior enough: steps of fixed length down ||f(x') - z||_2 / ||z||_2, with x' kept in [0, 1].
Prior inversion (Mahendran and Vedaldi 2015) descends with momentum on the squared relative error plus two priors
on images, whose soft bound is all that keeps x' in range.

Images run in batches for speed alone. Departures: of all iterates the one of the lowest objective is kept, which can
only help them; the priors are means (`priors`); the step size is constant, where Mahendran and Vedaldi lower theirs.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from arae_core.attacks import L2Ball
from arae_core.networks import Encoder, frozen
from arae_core.systems.rivals.priors import alpha_norm, total_variation
from arae_core.training.run import TrainingDiverged


@dataclass(frozen=True)
class RobustInversion:
    """Engstrom et al.'s: normalised gradient descent. step_size: l2 length of a step, in pixels of [0, 1]."""

    step_size: float
    iterations: int

    def objective(self, error: Tensor, x: Tensor) -> Tensor:
        """What each image descends on, (B,), given its relative feature error (B,)."""
        return error

    def step(self, x: Tensor, gradient: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        """The next iterate, and the velocity, of which this method has none. A zero gradient gives a zero step."""
        downhill = -L2Ball(self.step_size).steepest(gradient)
        return (x + self.step_size * downhill).clamp(0, 1), velocity


@dataclass(frozen=True)
class PriorInversion:
    """Mahendran and Vedaldi's: momentum gradient descent on error^2 + alpha_weight alpha_norm + tv_weight TV."""

    step_size: float
    iterations: int
    tv_weight: float
    alpha_weight: float = 0.0
    alpha: float = 6.0
    beta: float = 2.0
    momentum: float = 0.9

    def objective(self, error: Tensor, x: Tensor) -> Tensor:
        prior = self.tv_weight * total_variation(x, self.beta)
        return error.square() + prior + self.alpha_weight * alpha_norm(x, self.alpha)

    def step(self, x: Tensor, gradient: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        velocity = self.momentum * velocity - self.step_size * gradient
        return x + velocity, velocity


@dataclass(frozen=True)
class Optimised:
    """x (B, 3, H, W) in [0, 1], and each image's relative feature error at the start and of x, both (B,)."""

    x: Tensor
    error_before: Tensor
    error_after: Tensor


class ImagesDiverged(TrainingDiverged):
    """An objective or gradient is no longer finite; `bad` (B,) says for which images."""

    def __init__(self, message: str, bad: Tensor):
        super().__init__(message)
        self.bad = bad


def optimise_images(
    method: RobustInversion | PriorInversion,
    encoder: Encoder,
    layer: str,
    z: Tensor,
    start: Tensor,
    *,
    halvings: int = 0,
) -> Optimised:
    """Look for images whose features are z, from `start`.

    Args:
        encoder: used in evaluation mode; it comes back as it was.
        z: `(B, *encoder.feature_shape(layer))`, the features to be matched.
        start: (B, 3, H, W) in [0, 1], noise or other images, on z's device.
        halvings: how often an image that diverges is begun again with half the step size; the others keep theirs.

    Returns:
        The best iterate of each image, the start and the last one included, clamped to [0, 1].

    Raises:
        ValueError: z and start do not fit together, or less than one iteration.
        ImagesDiverged: it diverged for some, after all halvings.
    """
    if method.iterations < 1 or len(z) != len(start):
        raise ValueError(f"{method.iterations} iterations from {len(start)} starts for {len(z)} images")
    try:
        return _descend(method, encoder, layer, z, start)
    except ImagesDiverged as error:
        if halvings == 0:
            raise
        bad = error.bad
    smaller = replace(method, step_size=method.step_size / 2)
    x, before, after = torch.empty_like(start), *start.new_empty(2, len(start))
    for part, its, left in ((~bad, method, halvings), (bad, smaller, halvings - 1)):
        if part.any():
            found = optimise_images(its, encoder, layer, z[part], start[part], halvings=left)
            x[part], before[part], after[part] = found.x, found.error_before, found.error_after
    return Optimised(x, before, after)


def _descend(
    method: RobustInversion | PriorInversion, encoder: Encoder, layer: str, z: Tensor, start: Tensor
) -> Optimised:
    x, velocity, best = start.detach().clone(), torch.zeros_like(start), start.detach().clone()
    lowest = torch.full_like(start[:, 0, 0, 0], torch.inf)
    with frozen(encoder):
        for iteration in range(method.iterations + 1):
            moves = iteration < method.iterations  # where the last step led is only looked at
            x.requires_grad_(moves)
            error = _error(encoder, layer, x, z)
            value = method.objective(error, x)
            if iteration == 0:
                before = error.detach()
            better = value.detach() < lowest
            lowest = torch.where(better, value.detach(), lowest)
            best = torch.where(better.view(-1, 1, 1, 1), x.detach(), best)
            gradient = torch.autograd.grad(value.sum(), x)[0] if moves else torch.zeros_like(x)
            _check_finite(value, gradient, method, iteration)
            x, velocity = method.step(x.detach(), gradient, velocity)
        best = best.clamp(0, 1)
        with torch.no_grad():
            after = _error(encoder, layer, best, z)
    return Optimised(best, before, after)


def _error(encoder: Encoder, layer: str, x: Tensor, z: Tensor) -> Tensor:
    """||f(x) - z||_2 / ||z||_2 of each image, or the distance itself where z is 0; no gradient where the two agree."""
    distance, length = (encoder.features(x, layer) - z).flatten(1).norm(dim=1), z.flatten(1).norm(dim=1)
    return distance / torch.where(length > 0, length, 1)


def _check_finite(value: Tensor, gradient: Tensor, method: Any, iteration: int) -> None:
    bad = ~(torch.isfinite(value) & torch.isfinite(gradient).flatten(1).all(1))
    if bad.any():
        raise ImagesDiverged(
            f"{type(method).__name__} is not finite for {int(bad.sum())} of {len(bad)} images in "
            f"iteration {iteration} (step size {method.step_size}); take a smaller step",
            bad,
        )
