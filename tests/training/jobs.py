"""What the tests of several processes train, in a process of its own or in several alike."""

import os
import signal
from pathlib import Path

import torch
from torch import nn

from arae_core.critics import FeatureCritic
from arae_core.data import ImageSet
from arae_core.encoders import AlexNet, ResNet18
from arae_core.generators import mirror
from arae_core.losses import InversionWeights
from arae_core.training import (
    Attack,
    ClassifierConfig,
    GeometryAwareConfig,
    InverterConfig,
    several,
    train_classifier,
    train_geometry_aware,
    train_inverter,
    trained_classifier,
)
from arae_core.training.run import Run
from arae_core.training.split import split
from tests.training.interrupted import Killed, KilledAt

PGD = Attack("l2", 0.5, 2, 0.4, random_start=True, keep_best=True)
SGD = dict(epochs=1, batch_size=16, lr=0.05, clip=0.5, precision="fp32")


class Exact(ImageSet):
    """Images in double precision, in which rounding decides nothing."""

    def batches(self, *arguments, **named):
        return ((x.double(), y) for x, y in super(Exact, self).batches(*arguments, **named))


def images(n=64):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 4
    base = torch.tensor([[200, 30, 30], [30, 30, 200], [30, 30, 30], [220, 220, 220]])[labels].view(n, 3, 1, 1)
    noise = torch.randint(-25, 25, (n, 3, 32, 32), generator=generator)
    return Exact("four", (base + noise).clamp(0, 255).byte(), labels, ("red", "blue", "dark", "bright"))


def alexnet():
    torch.manual_seed(0)
    return AlexNet(image_size=32, num_classes=4, width=0.125).double()


def resnet():
    torch.manual_seed(0)
    return ResNet18(num_classes=4, width=0.0625).double()


def outcome(model, history):
    return {name: value.tolist() for name, value in model.state_dict().items()}, history


def classifier(build=alexnet, state_file=None, died_at=None, clip=0.5, epochs=1):
    """Weights and history after a robust training in double precision, at most `died_at` batches of it."""
    config, model = ClassifierConfig(**{**SGD, "attack": PGD, "clip": clip, "epochs": epochs}), build()
    data = images() if died_at is None else KilledAt(images(), died_at)
    try:
        with split(model):
            history = train_classifier(model, data, config, seed=3, state_file=state_file)
    except Killed:
        history = None
    assert "forward" not in vars(model) and "features" not in vars(model)
    return outcome(model, history)


def long_classifier(state_file, died_at=None):
    """Three epochs of four batches."""
    return classifier(alexnet, state_file, died_at, epochs=3)


def geometry_aware():
    attack = Attack("l2", 0.5, 3, 0.3, random_start=True)
    model, config = alexnet(), GeometryAwareConfig(**SGD, attack=attack, burn_in=0)
    with split(model):
        return outcome(model, train_geometry_aware(model, images(), config, seed=3))


def inverter(adversarial=0.0, reduction="mean", n=32):
    """The same for a mirror with batch norm, feature loss, and by choice a critic with dropout and spectral norm."""
    encoder = alexnet()
    generator = mirror(encoder, "conv5", spectral_norm=adversarial > 0)
    critic = FeatureCritic(encoder.feature_shape("conv5"), image_size=32).double() if adversarial else None
    config = InverterConfig(epochs=1, batch_size=8, weights=InversionWeights(1.0, 0.1, adversarial, reduction),
                            precision="fp32")
    with split(generator, encoder, critic):
        history = train_inverter(generator, encoder, images(n), config, seed=1, critic=critic)
    return outcome(generator, history) + ((outcome(critic, None)[0],) if critic else ())


def gradients_of_two_passes():
    """A second backward pass adds to the gradients of the first."""
    torch.manual_seed(0)
    network, x = nn.Linear(3, 2), torch.randn(4, 3, requires_grad=True)
    with split(network):
        (network(x) ** 2).mean().backward()
        network(x).exp().sum().backward()
    return [p.grad.tolist() for p in (*network.parameters(), x)]


def uneven(store, batch_size):
    os.environ["ARAE_STORE"] = store
    config = ClassifierConfig(**{**SGD, "batch_size": batch_size})
    return trained_classifier(alexnet, images(), config, seed=0).found


def found_or_trained(store):
    """Twice the same model: what was found, where, and what it was."""
    os.environ["ARAE_STORE"] = store
    config = ClassifierConfig(**SGD)
    first, second = (trained_classifier(alexnet, images(), config, seed=0) for _ in range(2))
    same = outcome(first.model, first.history) == outcome(second.model, second.history)
    return first.found, second.found, first.path.exists(), same


def different_models(store):
    os.environ["ARAE_STORE"] = store
    trained_classifier(alexnet, images(), ClassifierConfig(**SGD), seed=several.rank())


def in_bf16():
    """A forward and backward pass under autocast: types, values, and the first weight's gradient."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    torch.manual_seed(0)
    x = torch.rand(8, 3, 6, 6).contiguous(memory_format=torch.channels_last)
    network(x[:2])  # makes the lazy layer
    torch.manual_seed(1)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    network[1].reset_running_stats()
    with split(network):
        with torch.autocast("cpu", torch.bfloat16):
            y = network(x)
        (y.float() ** 2).sum().backward()
    return str(y.dtype), y.tolist(), network[0].weight.grad.tolist()


def one_stops(state_file):
    """A signal that reaches the last process alone: after how many steps each stops, and what it says."""
    steps, run = 0, Run(images(), 3, 16, seed=0, state_file=Path(state_file))
    try:
        for _ in run.steps({"model": nn.Linear(2, 2)}, {}):
            steps += 1
            if steps == 6 and several.rank() == 1:
                os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt as end:
        return steps, str(end)


def long_training(store, epochs=30):
    os.environ["ARAE_STORE"] = store
    config = ClassifierConfig(**{**SGD, "epochs": epochs, "batch_size": 32})
    its = trained_classifier(alexnet, images(), config, seed=0)
    return outcome(its.model, its.history)
