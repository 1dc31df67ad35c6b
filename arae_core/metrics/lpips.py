"""LPIPS, the learned perceptual distance (Zhang et al. 2018, arXiv 1801.03924), by the `lpips` package.

The package brings the calibrated linear heads, not the ImageNet classifier ("trunk") whose features they
weigh. The trunk is torchvision's own file (`networks.pretrained`). With any other trunk the number would not be
LPIPS, so without this one there is none: `LPIPSUnavailable` says why, and what to do.
"""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from arae_core.networks.pretrained import WeightsUnavailable, fetch_weights, read_weights, weights_file

from .image import checked

TRUNKS = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}  # torchvision's names
SMALLEST = {"alex": 31, "vgg": 16}  # below, the trunk's poolings leave nothing
LPIPSUnavailable = WeightsUnavailable  # under the name of what cannot be computed


@torch.no_grad()
def lpips(x_hat: Tensor, x: Tensor, net: str = "alex") -> Tensor:
    """LPIPS v0.1 distance, 0 for identical images, *lower* is closer.

    x_hat, x: (B, 3, H, W) floats in [0,1] (taken to LPIPS's [-1,1] here). net: "alex" or "vgg", which
    give different numbers: always say which. The heads were fitted to 64-pixel patches; at 32 pixels the
    deepest features see one position, and the number is comparable only among such images.
    Returns (B,) float32. Raises LPIPSUnavailable without trunk, TypeError or ValueError for other input.
    """
    x_hat, x = checked(x_hat, x)
    model = _pretrained(net, _trunk(net)).to(x.device)
    if x.shape[1] != 3 or min(x.shape[2:]) < SMALLEST[net]:
        raise ValueError(f"LPIPS ({net}) takes RGB of {SMALLEST[net]} pixels or more, not {tuple(x.shape)}")
    return _distance(model, x_hat, x)


def lpips_available(net: str = "alex") -> tuple[bool, str]:
    """Whether `lpips` can be computed here, and if not, the reason ("" if it can), for a record."""
    try:
        _pretrained(net, _trunk(net))
    except LPIPSUnavailable as error:
        return False, error.reason
    return True, ""


def fetch_trunk(net: str = "alex") -> Path:
    """Download the trunk into torch's own cache (alex 233 MB, vgg 528 MB), check it, return its path.

    Nothing else in the package downloads it. Raises LPIPSUnavailable when that fails.
    """
    return fetch_weights(_trunk_name(net))


def _trunk_name(net: str) -> str:
    if net not in TRUNKS:
        raise ValueError(f"net must be one of {', '.join(TRUNKS)}, not {net!r}")
    return TRUNKS[net]


def _trunk(net: str) -> Path:
    """The trunk's file, or LPIPSUnavailable."""
    name = _trunk_name(net)
    fetch = f"from arae_core.metrics import fetch_trunk; fetch_trunk({net!r})"
    return weights_file(name, needed_by=f"LPIPS ({net}) needs the ImageNet trunk", fetch=fetch)


@lru_cache(maxsize=2)  # reading and hashing takes a second, and chapters call lpips per batch
def _pretrained(net: str, path: Path) -> nn.Module:
    """The only model that the public function uses: every trunk weight from a verified file."""
    model, weights = _random_trunk(net), read_weights(path)
    trunk = model.net.state_dict()  # named slice1.0.weight where torchvision has features.0.weight
    model.net.load_state_dict({name: weights["features." + name.split(".", 1)[1]] for name in trunk})
    return model


def _random_trunk(net: str) -> Any:
    """LPIPS's heads on an untrained trunk: not LPIPS. For `_pretrained` to fill, and for tests."""
    from lpips import LPIPS  # takes a second

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips speaks torchvision's older dialect
        return LPIPS(net=net, pnet_rand=True, verbose=False).requires_grad_(False).eval()


def _distance(model: nn.Module, x_hat: Tensor, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return model(2 * x_hat - 1, 2 * x - 1).reshape(len(x))
