"""A tiny classification problem: bright against dark, red against blue; and what tests do with networks."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from arae_core.data import ImageSet
from arae_core.networks import VGG16, AlexNet, ResNet18, WideResNet28_10

ENCODERS = {"alexnet-224": lambda: AlexNet(224, 10, 0.0625), "alexnet-64": lambda: AlexNet(64, 10, 0.125),
    "alexnet-32": lambda: AlexNet(32, 10, 0.25), "resnet18": lambda: ResNet18(width=0.125),
    "wrn-28-10": lambda: WideResNet28_10(width=0.05), "vgg16": lambda: VGG16(width=0.125),
}


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


def built(build, seed=0):
    torch.manual_seed(seed)
    return build()


def gather(batches):
    """All images and all labels of a pass."""
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))


@contextmanager
def untouched(module):
    """Weights, statistics, modes and gradients are in the end what they are now."""

    def state():
        return ([m.training for m in module.modules()], [p.requires_grad for p in module.parameters()],
                [p.grad for p in module.parameters()])

    weights, before = {name: value.clone() for name, value in module.state_dict().items()}, state()
    yield
    assert state() == before
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())


class Brightness(nn.Module):
    """Says class 0 where an image's mean is below a half, class 1 above: every step of an attack can be followed."""

    def __init__(self):
        super().__init__()
        self.middle = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        mean = x.mean(dim=(1, 2, 3))
        return torch.stack([self.middle - mean, mean - self.middle], dim=1)


def vivid(generator):
    """Weights large enough that codes make a difference without training."""
    for p in generator.parameters():
        if p.dim() > 1:
            nn.init.kaiming_normal_(p)
    return generator


@torch.no_grad()
def shapes(modules, z, *kinds):
    """(channels, side) of what each module of these kinds gives, in a chain that begins with z."""
    found = []
    for module in modules:
        z = module(z)
        if isinstance(module, kinds):
            found.append((z.shape[1], z.shape[-1]))
    return found
