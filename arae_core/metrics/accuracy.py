"""Clean and robust accuracy: how often the encoder, as a classifier, is right."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from arae_core.networks.frozen import frozen


def accuracy(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    attack: Callable[[nn.Module, Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """Whether each image is classified right, with `attack(model, x, y) -> x_adv` made first, if given.

    batches: pairs x (B, 3, H, W) in [0,1], y (B,) int64; moved to the model's device. The model is
    evaluated in eval mode, and left in the mode it came in.
    Returns (N,) bool on the CPU, in the order of the batches: its mean is the accuracy, `summarise` adds
    the spread, and two such tensors show which images an attack turned. Raises ValueError if there are
    no batches.
    """
    device = next((parameter.device for parameter in model.parameters()), None)
    right = []
    with frozen(model):
        for x, y in batches:
            x, y = x.to(device), y.to(device)
            if attack is not None:
                x = attack(model, x, y)
            with torch.no_grad():
                right.append(model(x).argmax(dim=1) == y)
    if not right:
        raise ValueError("no batches to classify: the data set is empty")
    return torch.cat(right).cpu()
