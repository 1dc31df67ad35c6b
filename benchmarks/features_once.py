"""The features of a frozen encoder, computed once and kept, against computing them at every step.

Worth it where nothing is augmented and the features of the whole set fit into memory. What it saves is one of the
encoder's three passes a step (features of x; features of x_hat; the gradient back through them).
"""

from __future__ import annotations

import torch
from torch import Tensor

from arae_core import data, losses
from arae_core.attacks import frozen
from arae_core.networks import mirror
from benchmarks.harness import BenchRecord, Comparison, Contender, apart, measure
from arae_core.training.precision import mixed_precision
from benchmarks.material import photographs, small_alexnet

LAYER = "conv5"
WEIGHTS = losses.InversionWeights(1.0, 0.1, 0.0, "mean")


def run(device: str) -> BenchRecord:
    batch, turns = (256, 16) if device == "cuda" else (64, 8)
    train = photographs(batch * turns, device)
    f = small_alexnet(device).to(memory_format=torch.channels_last)
    with frozen(f), torch.no_grad(), mixed_precision(device):
        kept = torch.cat([f.features(x, LAYER) for x in _in_order(train, batch)])

    def epoch(known: Tensor | None) -> Tensor:
        """One pass of our loop's step, on the images in order; returns the losses."""
        torch.manual_seed(0)
        generator = mirror(f, LAYER).to(device=device, memory_format=torch.channels_last).train()
        adam = torch.optim.Adam(generator.parameters(), lr=1e-3)
        seen = []
        with frozen(f):
            for number, x in enumerate(_in_order(train, batch)):
                with mixed_precision(device):
                    if known is None:
                        with torch.no_grad():
                            z = f.features(x, LAYER)
                    else:
                        z = known[number * batch : (number + 1) * batch]
                    x_hat = generator(z)
                    z_hat = f.features(x_hat, LAYER)
                loss, _ = losses.inversion_loss(x_hat.float(), x, z_hat.float(), z.float(), None, WEIGHTS)
                adam.zero_grad()
                loss.backward()
                adam.step()
                seen.append(loss.detach())
        return torch.stack(seen)

    return measure(Comparison(
        "features-once", "Features kept against features computed", f"AlexNet at 32 pixels, {LAYER}, an epoch of "
        f"{turns} steps of {batch} images", Contender("once (the book's loop)", lambda: epoch(kept)),
        [Contender("at every step", lambda: epoch(None))], lambda own, theirs, _: apart(own, theirs, 1e-3, "losses", relative=True),
        items=batch * turns, item="image",
        facts={"kept features, MiB": kept.numel() * kept.element_size() / 2**20},
    ), device)


def _in_order(train: data.ImageSet, batch: int):
    for x, _ in train.batches(batch):
        yield x.contiguous(memory_format=torch.channels_last)
