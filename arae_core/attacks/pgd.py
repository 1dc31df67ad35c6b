"""Projected gradient descent, the attack inside Equation 2 of A (Madry et al. 2018).

From the image, or from a random point near it, take `steps` steps of length `step_size` along
the steepest ascent direction of the loss, each followed by the projection onto the ball and
onto [0, 1]. `pgd` is the public function and checks what it is given; `ascend` is the bare
iteration that the training loop calls once its data are known to be sound.
"""

import math
import numbers
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arae_core.attacks.balls import Ball, ball
from arae_core.data.images import check_images
from arae_core.data.places import check_integer
from arae_core.networks.frozen import frozen

Classifier = Callable[[Tensor], Tensor]


def pgd(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    norm: str = "l2",
    eps: float,
    steps: int,
    step_size: float,
    random_start: bool = False,
    targeted: bool = False,
    keep: str = "last",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Attack a classifier: images within eps of x on which it errs, as far as PGD finds them.

    Args:
        model: classifier of [0, 1] images; it comes back exactly as it was (mode, parameters'
            flags, gradients, buffers), and is attacked in evaluation mode.
        x: images, float (B, C, H, W) in [0, 1].
        y: true labels, integer (B,); with `targeted`, the labels wanted.
        norm: "l2" (over a whole image) or "linf" (a pixel).
        eps: radius, in [0, 1] pixels (write 8/255, not 8); 0 returns x.
        steps: gradient steps, >= 0.
        step_size: length of a step, in the unit and norm of eps.
        random_start: start at a uniform point of the ball, drawn from `generator`.
        targeted: descend towards y instead of climbing away from it.
        keep: "last" iterate, or for each image the "best" of all (one forward pass more).
        generator: source of the random start, on x's device; the global one if None.

    Returns:
        x_adv, detached, as x: inside the ball to rounding, inside [0, 1] exactly.

    Raises:
        TypeError, ValueError: what is wrong with which argument, and what was probably meant.
    """
    check_images(x)
    if not isinstance(y, Tensor) or y.is_floating_point() or y.shape != x.shape[:1]:
        raise ValueError(f"y must hold one integer label an image, in a tensor of shape ({len(x)},)")
    check_radius(eps, norm, x[0].numel(), "eps")
    check_radius(step_size, norm, x[0].numel(), "step_size")
    check_integer("steps", steps, least=0)
    if keep not in ("last", "best"):
        raise ValueError(f'keep must be "last" or "best", got {keep!r}')
    with frozen(model):
        _check_labels(model, x, y)
        return ascend(
            model,
            x.detach(),
            y,
            ball(norm, float(eps)),
            steps=steps,
            step_size=float(step_size),
            random_start=random_start,
            targeted=targeted,
            keep_best=keep == "best",
            generator=generator,
        )


def ascend(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    within: Ball,
    *,
    steps: int,
    step_size: float,
    random_start: bool = False,
    targeted: bool = False,
    keep_best: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """PGD without checks. The caller freezes the model; only input gradients are computed.

    Nothing here waits for the device. With bf16 autocast outside, the network runs in bf16 and
    the perturbation stays float32.
    """
    sign = -1.0 if targeted else 1.0
    x_adv = x
    if random_start:
        x_adv = (x + within.random(x, generator)).clamp(0, 1)
    best, best_loss = x_adv, None
    for _ in range(steps):
        x_adv = x_adv.detach().requires_grad_(True)
        with torch.enable_grad():  # an evaluation may call this under no_grad
            losses = sign * F.cross_entropy(model(x_adv), y, reduction="none")
            (gradient,) = torch.autograd.grad(losses.sum(), x_adv)
        if keep_best:
            best, best_loss = _better(best, best_loss, x_adv, losses)
        moved = x_adv.detach() + step_size * within.steepest(gradient) - x
        x_adv = (x + within.project(moved)).clamp(0, 1)
    if keep_best and steps:
        with torch.no_grad():
            losses = sign * F.cross_entropy(model(x_adv), y, reduction="none")
        best, best_loss = _better(best, best_loss, x_adv, losses)
        return best.detach()
    return x_adv.detach()


def _better(best: Tensor, best_loss: Tensor | None, x_adv: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    """For each image, the one of the two with the higher loss."""
    x_adv, losses = x_adv.detach(), losses.detach()
    if best_loss is None:
        return x_adv, losses
    higher = losses > best_loss
    return torch.where(higher.view(-1, 1, 1, 1), x_adv, best), torch.where(higher, losses, best_loss)


def _check_labels(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """A label without a logit would be ignored, or bring a GPU's kernel down."""
    with torch.no_grad():
        classes = model(x[:1]).shape[1]
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"labels lie between {low} and {high}, the model's classes between 0 and {classes - 1}"
        )


def check_radius(value: float, norm: str, dimensions: int, name: str = "eps") -> None:
    """ValueError or TypeError unless value is a radius that makes sense for [0, 1] images."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number such as {8 / 255:.4f} (8/255), got {value!r}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be finite and >= 0, got {value!r}")
    if norm == "linf" and value > 1:
        meant = f"did you mean {value:g}/255, or the l2 norm?"
        raise ValueError(f"{name} = {value:g} in linf is more than the whole range of [0, 1] pixels: {meant}")
    if norm == "l2" and value > math.sqrt(dimensions):
        diagonal = f"the diagonal of the image cube ({math.sqrt(dimensions):.3g})"
        raise ValueError(f"{name} = {value:g} in l2 is longer than {diagonal}: is it in 8-bit units?")
