"""MadryLab's `robustness` at work on our networks: its attacker and its training loop, as they are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import SimpleNamespace

import torch
from torch import nn


@contextmanager
def cuda_calls_harmless(device: str) -> Iterator[None]:
    """`robustness` moves everything to a GPU; without one, its `.cuda()` returns what it is called on."""
    if device == "cuda":
        yield
        return
    tensor_cuda, module_cuda = torch.Tensor.cuda, nn.Module.cuda
    torch.Tensor.cuda = lambda self, *_, **__: self
    nn.Module.cuda = lambda self, *_, **__: self
    try:
        yield
    finally:
        torch.Tensor.cuda, nn.Module.cuda = tensor_cuda, module_cuda


class _LikeItsOwn(nn.Module):
    """A network as `robustness` calls its own: with keywords that ask for nothing here."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor, **_: object) -> torch.Tensor:
        return self.network(x)


def attacker_model(network: nn.Module, device: str) -> nn.Module:
    """The network inside robustness' AttackerModel. Ours normalises by itself, so theirs is told to change nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for apex
        from robustness.attacker import AttackerModel
    nothing = SimpleNamespace(mean=torch.zeros(3), std=torch.ones(3))
    with cuda_calls_harmless(device):
        return AttackerModel(_LikeItsOwn(network), nothing).to(device)


def train_epoch(model: nn.Module, loader: object, optimizer: torch.optim.Optimizer, attack: dict) -> float:
    """One epoch of robustness' own loop; returns its mean loss. attack: eps, attack_lr, attack_steps, constraint."""
    from robustness import train

    arguments = dict(
        custom_eps_multiplier=None,
        random_restarts=0,
        random_start=0,
        use_best=0,
        mixed_precision=0,
        custom_train_loss=None,
        custom_adv_loss=None,
        custom_accuracy=None,
        regularizer=None,
        iteration_hook=None,
        **attack,
    )
    _, loss = train._model_loop(
        SimpleNamespace(**arguments), "train", loader, model, optimizer, 0, True, None
    )
    return float(loss)


def missing(*distributions: str) -> dict[str, str]:
    """Those of them that are not installed, with the reason as a table shows it."""
    return {name: "not installed here" for name in distributions if find_spec(name) is None}
