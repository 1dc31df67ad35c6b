"""A tiny classification problem: bright against dark, red against blue."""

import pytest
import torch

from arae_core.data import ImageSet
from arae_core.networks import AlexNet


@pytest.fixture
def tiny():
    g = torch.Generator().manual_seed(0)
    labels = torch.arange(96) % 4
    base = torch.tensor([[200, 30, 30], [30, 30, 200], [30, 30, 30], [220, 220, 220]])[labels].view(96, 3, 1, 1)
    noise = torch.randint(-25, 25, (96, 3, 32, 32), generator=g)
    return ImageSet("tiny", (base + noise).clamp(0, 255).byte(), labels, ("red", "blue", "dark", "bright"))


@pytest.fixture
def build():
    return lambda: AlexNet(image_size=32, num_classes=4, width=0.25)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    torch.set_num_threads(1)
