"""Schedules against torch's own; precision that says what it does."""

import pytest
import torch
from torch import nn

from arae_core.training import computes_bf16, mixed_precision, precision_here
from arae_core.training.schedule import factor, one_cycle


def test_one_cycle_is_torchs_and_steps_are_tenths():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    steps = 50
    torchs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps, div_factor=25,
                                                 final_div_factor=1e4 / 25, cycle_momentum=False)
    for step in range(steps):
        # torch counts the 30 % in whole steps minus one, so the shapes differ by under one step's change
        assert 0.1 * one_cycle(step / (steps - 1)) == pytest.approx(torchs.get_last_lr()[0], abs=0.006)
        optimizer.step()
        torchs.step()
    assert [factor("step", 0, 1, epoch) for epoch in (0, 29, 30, 60)] == pytest.approx([1, 1, 0.1, 0.01])
    assert factor("constant", 3, 9, 1) == 1
    pytest.raises(ValueError, factor, "cosine", 0, 1, 0).match("one-cycle")


def test_precision_with_and_without_bf16(monkeypatch):
    with mixed_precision("cpu", "fp32"):
        assert nn.Linear(2, 2)(torch.zeros(1, 2)).dtype == torch.float32
    with mixed_precision("cpu", "auto"):
        used = nn.Linear(2, 2)(torch.zeros(1, 2)).dtype
    assert (used == torch.bfloat16) == computes_bf16("cpu") == (precision_here("cpu") == "bf16")
    pytest.raises(ValueError, mixed_precision, "cpu", "fp16").match("precision")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})
    pytest.raises(ValueError, mixed_precision, "cpu", "bf16").match("bf16")
