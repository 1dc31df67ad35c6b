"""What an adversarial step costs, against what it must: PGD-k asks for (2k + 3) F an image, a plain step for 3 F.

F is the network's forward pass; a backward pass to the input costs as much, one to the weights as much again.
"""

from __future__ import annotations

import copy

import torch

from arae_core.metrics import flops
from arae_core.networks import ResNet18
from arae_core.training import Attack, ClassifierConfig, train_classifier
from benchmarks.harness import BenchRecord, Comparison, Contender, Unequal, measure
from benchmarks.material import peak_flops, photographs

STEPS = 7
FLOOR = (2 * STEPS + 3) / 3


def run(device: str) -> BenchRecord:
    batch, turns = (128, 20) if device == "cuda" else (32, 2)
    train = photographs(batch * turns, device)
    torch.manual_seed(0)
    f = ResNet18(image_size=32, num_classes=10).to(device)
    attack = Attack("l2", eps=0.5, steps=STEPS, step_size=0.1)

    def steps(attack: Attack | None) -> float:
        config = ClassifierConfig(epochs=1, batch_size=batch, lr=0.01, clip=0, attack=attack)
        return train_classifier(copy.deepcopy(f), train, config, seed=0)[0]["loss"]

    def check(plain: float, adversarial: float, _: str) -> str:
        if not adversarial > plain:
            raise Unequal(f"the attacked loss {adversarial:.3f} is not above the plain one {plain:.3f}")
        return f"not equal work: the loss under attack is {adversarial:.3f}, without {plain:.3f}"

    record = measure(
        Comparison(
            "step-floor",
            f"A step with PGD-{STEPS} against a plain one",
            f"ResNet-18 at 32 pixels, batch {batch}",
            Contender("plain step", lambda: steps(None)),
            [Contender(f"ours, PGD-{STEPS} step", lambda: steps(attack))],
            check,
            items=batch * turns,
            item="image",
        ),
        device,
    )
    return _with_facts(record, f, device)


def _with_facts(record: BenchRecord, f: torch.nn.Module, device: str) -> BenchRecord:
    x = torch.rand(1, 3, 32, 32, device=device)
    with torch.no_grad():
        forward = flops(lambda: f.eval()(x))
    peak = peak_flops(device)
    rate = record.items / record.seconds(f"ours, PGD-{STEPS} step")
    ratio = record.ratio(f"ours, PGD-{STEPS} step")[0]
    record.facts = {
        "floor of the ratio, (2k + 3) / 3": FLOOR,
        "allowed, 1.10 times the floor": 1.1 * FLOOR,
        "ratio over floor": ratio / FLOOR,
        "within what is allowed": "yes" if ratio <= 1.1 * FLOOR else "no",
        "forward pass, GFLOP an image": forward / 1e9,
        "peak of a matrix product here, GFLOP/s": peak / 1e9,
        "utilisation by (2k + 3) F": rate * (2 * STEPS + 3) * forward / peak,
    }
    return record
