"""AutoAttack (Croce & Hein 2020) through the maintained package `pyautoattack`.

The full ensemble is APGD-CE, targeted APGD, targeted FAB and Square, with the settings of the
paper. A subset of it is not AutoAttack: it is called by the names of its parts.
"""

import logging
import warnings

from pyautoattack import AutoAttack
from torch import Tensor, nn

from arae_core.attacks.pgd import check_radius
from arae_core.data.images import check_images
from arae_core.networks.frozen import frozen

FULL = ("apgd-ce", "apgd-t", "fab-t", "square")
PARTS = (*FULL, "apgd-dlr", "fab")
_NORMS = {"l2": "L2", "linf": "Linf"}


def autoattack(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    norm: str = "l2",
    eps: float,
    parts: tuple[str, ...] = FULL,
    seed: int = 0,
    batch_size: int = 250,
) -> Tensor:
    """Attack with AutoAttack or some of its parts.

    Args:
        model: classifier of [0, 1] images, left exactly as it was.
        x, y: images (B, C, H, W) in [0, 1] and integer labels (B,), on the model's device.
        norm, eps: ball, eps > 0 in [0, 1] pixels.
        parts: names from `PARTS`; the default is the standard ensemble.

    Returns:
        x_adv as x: for each image an adversarial one if any part found it, else the image.
    """
    check_images(x)
    if norm not in _NORMS:
        raise ValueError(f'norm must be "l2" or "linf", got {norm!r}')
    check_radius(eps, norm, x[0].numel())
    if not parts or set(parts) - set(PARTS):
        raise ValueError(f"AutoAttack's parts are {', '.join(PARTS)}, not {', '.join(parts) or 'none'}")
    if eps == 0:
        return x.clone()
    logging.getLogger("auto-attack").setLevel(logging.ERROR)
    with frozen(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attack = AutoAttack(model, norm=_NORMS[norm], eps=float(eps), seed=seed, device=x.device)
        attack.attacks_to_run = list(parts)
        # Targeted parts aim at every other class; with few classes there are fewer targets than 9.
        classes = model(x[:1]).shape[1]
        attack.apgd_targeted.n_target_classes = min(9, classes - 1)
        attack.fab.n_target_classes = min(9, classes - 1)
        return attack.run_standard_evaluation(x, y, batch_size=batch_size)[0].detach()


def attack_name(parts: tuple[str, ...]) -> str:
    """What to call it: "autoattack" only for the full ensemble, else its parts' names."""
    return "autoattack" if set(parts) == set(FULL) else "+".join(parts)
