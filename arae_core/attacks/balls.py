"""The sets that an attack may move in: the l2 and the linf ball of radius eps.

Each ball knows three things: the steepest ascent direction of its norm, the projection onto
itself and a random point in itself (Madry et al. 2018, section 2.1). Perturbations are in
pixels of [0, 1] images, shape (B, C, H, W); eps is in the same unit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Below this length a gradient is treated as zero: its direction is numerical noise, and 0/0 is NaN.
TINY = 1e-12


def _length(delta: Tensor) -> Tensor:
    """Euclidean length of each perturbation, (B, 1, 1, 1)."""
    return delta.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


@dataclass(frozen=True)
class L2Ball:
    """All delta with `||delta||_2 <= eps`, over all pixels and channels of one image."""

    eps: float

    def steepest(self, gradient: Tensor) -> Tensor:
        """Unit vector along the gradient; a zero gradient gives a zero step."""
        return gradient / _length(gradient).clamp_min(TINY)

    def project(self, delta: Tensor) -> Tensor:
        """Nearest point of the ball: scale down what is longer than eps."""
        return delta * (self.eps / _length(delta).clamp_min(TINY)).clamp_max(1.0)

    def random(self, like: Tensor, generator: torch.Generator | None) -> Tensor:
        """Uniform in the ball: a uniform direction, and a radius eps * u^(1/n) in n dimensions."""
        direction = self.steepest(_noise(like, generator, normal=True))
        u = _noise(like[:, :1, :1, :1], generator, normal=False)
        return self.eps * direction * u ** (1.0 / like[0].numel())


@dataclass(frozen=True)
class LinfBall:
    """All delta with `|delta| <= eps` in every pixel and channel."""

    eps: float

    def steepest(self, gradient: Tensor) -> Tensor:
        """Sign of the gradient: the longest step of linf length one; 0 stays 0."""
        return gradient.sign()

    def project(self, delta: Tensor) -> Tensor:
        return delta.clamp(-self.eps, self.eps)

    def random(self, like: Tensor, generator: torch.Generator | None) -> Tensor:
        """Uniform in the cube [-eps, eps]^n."""
        return self.eps * (2 * _noise(like, generator, normal=False) - 1)


Ball = L2Ball | LinfBall


def ball(norm: str, eps: float) -> Ball:
    """The ball of a norm's name, "l2" or "linf"."""
    if norm == "l2":
        return L2Ball(eps)
    if norm == "linf":
        return LinfBall(eps)
    raise ValueError(f'norm must be "l2" or "linf", got {norm!r}')


def _noise(like: Tensor, generator: torch.Generator | None, normal: bool) -> Tensor:
    draw = torch.randn if normal else torch.rand
    return draw(like.shape, generator=generator, device=like.device, dtype=like.dtype)
