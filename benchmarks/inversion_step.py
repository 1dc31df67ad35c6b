"""Training a generator: our loop against A's, rebuilt from the description of its public code.

A's loop holds the encoder twice, once to encode and once to compare with, so that an image's features are computed
twice; it works in float32 and reads every loss back to the host at every step. The losses are A's pixel and feature
terms. Ours in float32 must give the same losses, epoch by epoch; in bf16 it is timed beside. For that check A's loop
runs once in our order of memory (channels last): in the other one sums round differently, and Adam makes more of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from arae_core import losses
from arae_core.networks import Encoder, frozen, mirror
from arae_core.seeds import derive_seed
from arae_core.training import InverterConfig, train_inverter
from benchmarks.harness import BenchRecord, Comparison, Contender, apart, measure
from benchmarks.material import photographs, small_alexnet

LAYER, EPOCHS, SEED = "conv5", 3, 0
WEIGHTS = losses.InversionWeights(1.0, 0.1, 0.0, "mean")


def run(device: str) -> BenchRecord:
    batch, turns = (256, 8) if device == "cuda" else (64, 4)
    train, f = photographs(batch * turns, device), small_alexnet(device)

    def generator() -> nn.Module:
        torch.manual_seed(0)
        return mirror(f, LAYER).to(device)

    def ours(precision: str) -> Tensor:
        config = InverterConfig(
            layer=LAYER,
            weights=WEIGHTS,
            epochs=EPOCHS,
            batch_size=batch,
            lr=3e-4,
            schedule="constant",
            precision=precision,
        )
        history = train_inverter(generator(), train, config, encoder=f, seed=SEED)
        return torch.tensor([epoch["loss"] for epoch in history], dtype=torch.float64)

    def check(own: Tensor, theirs: Tensor, name: str) -> str:
        if name.startswith("ours"):
            return apart(own, theirs, 1e-2, "losses of the epochs", relative=True)
        theirs = as_published(generator(), f, train, batch, torch.channels_last)
        return apart(own, theirs, 1e-4, "losses of the epochs", relative=True)

    return measure(
        Comparison(
            "inversion-step",
            "Training a generator",
            f"AlexNet at 32 pixels, {LAYER}, {turns * EPOCHS} steps of {batch} images",
            Contender("ours, float32", lambda: ours("fp32")),
            [
                Contender("A's loop, rebuilt", lambda: as_published(generator(), f, train, batch)),
                Contender("ours, precision of the machine", lambda: ours("auto")),
            ],
            check,
            items=turns * EPOCHS * batch,
            item="image",
        ),
        device,
    )


def as_published(
    generator: nn.Module,
    f: Encoder,
    train: object,
    batch: int,
    order: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """The mean loss of each epoch, from A's loop as its code is described."""
    f.to(memory_format=order)
    generator.to(memory_format=order).train()
    adam = torch.optim.Adam(generator.parameters(), lr=3e-4, betas=(0.9, 0.999))
    trace = []
    with frozen(f):
        for epoch in range(EPOCHS):
            seen = []
            for x, _ in train.batches(batch, seed=derive_seed(SEED, "data", epoch), drop_last=True):
                x = x.contiguous(memory_format=order)
                with torch.no_grad():
                    z = f.features(x, LAYER)  # the encoder's
                    target = f.features(x, LAYER)  # the comparator's
                x_hat = generator(z)
                loss, parts = losses.inversion_loss(x_hat, x, f.features(x_hat, LAYER), target, None, WEIGHTS)
                adam.zero_grad()
                loss.backward()
                adam.step()
                seen.append({name: part.item() for name, part in parts.items()} | {"loss": loss.item()})
            trace.append(sum(step["loss"] for step in seen) / len(seen))
    return torch.tensor(trace, dtype=torch.float64)
