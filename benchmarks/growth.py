"""How the cost of an epoch of adversarial training grows: with the images, the attack's steps, the images' side.

And what of an image's activations is kept for the backward pass, by batch; and what A's own training would take at the
rate measured here.
"""

from __future__ import annotations

import copy

import torch

from arae_core import data
from arae_core.metrics import flops
from arae_core.networks import AlexNet, Encoder
from arae_core.training import Attack, ClassifierConfig, train_classifier
from arae_core.training.classifier import perturb
from arae_core.training.precision import mixed_precision
from benchmarks.harness import BenchRecord, Growth, exponent, grow
from benchmarks.material import peak_flops, photographs, small_alexnet

IMAGENET, EPOCHS, STEPS = 1_281_167, 90, 7  # A's training: AlexNet at 224 pixels, PGD-7
BATCHES = (16, 32, 64, 128, 256)


def run(device: str) -> BenchRecord:
    batch = 1024 if device == "cuda" else 128
    photos = photographs(10_000, device)

    def epoch(f: Encoder, train: data.ImageSet, steps: int, size: int = batch):
        attack = Attack("l2", 1.0, steps, 0.3) if steps else None
        config = ClassifierConfig(epochs=1, batch_size=size, lr=0.01, attack=attack)
        return lambda: train_classifier(copy.deepcopy(f), train, config, seed=0)

    def by_side(side: int):
        train = photos.take(128, seed=0)
        return epoch(_wide(side, device), _enlarged(train, side), 1, size=64)

    small = small_alexnet(device, width=0.5)
    record = grow(
        "growth",
        "How the cost of an epoch grows",
        f"AlexNet at half width, PGD unless said otherwise, batch {batch}",
        [
            Growth(
                "images (PGD-7, 32 pixels)",
                (1_000, 10_000, 50_000),
                repeats=1,
                at=lambda n: epoch(small, _many(photos, n), 7),
            ),
            Growth(
                "forward passes an image (2k + 3 with k = 0, 1, 3, 7, 15; 2,048 images)",
                (3, 5, 9, 17, 33),
                at=lambda cost: epoch(small, photos.take(2048, seed=0), (cost - 3) // 2),
            ),
            Growth("side in pixels (PGD-1, convolutions only, 128 images)", (32, 64, 128, 256), at=by_side),
        ],
        device,
    )
    memory = [_kept_for_backward(small, photos, size) / 2**20 for size in BATCHES]
    record.series["batch (memory kept for the backward pass, MiB)"] = {
        "x": list(BATCHES),
        "y": memory,
        "unit": "MiB",
        "exponent": exponent(BATCHES, memory),
    }
    record.facts = _paper(device)
    return record


class _Convolutions(AlexNet):
    """The 32-pixel form's convolutions with a head that takes any side, so that the side alone changes."""

    def __init__(self, side: int):
        super().__init__(image_size=32, num_classes=10, width=0.5)
        self.image_size = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x, "conv5").mean(dim=(2, 3))[:, :10]


def _wide(side: int, device: str) -> Encoder:
    torch.manual_seed(0)
    return _Convolutions(side).to(device)


def _enlarged(train: data.ImageSet, side: int) -> data.ImageSet:
    times = side // 32
    images = train.images.repeat_interleave(times, 2).repeat_interleave(times, 3)
    return data.ImageSet(train.name, images, train.labels, train.classes)


def _many(photos: data.ImageSet, count: int) -> data.ImageSet:
    """`count` of the crops; the same ones again where there are not so many."""
    again = torch.arange(count, device=photos.images.device) % len(photos)
    return data.ImageSet(photos.name, photos.images[again], photos.labels[again], photos.classes)


def _kept_for_backward(f: Encoder, photos: data.ImageSet, batch: int) -> int:
    """Bytes of activations that one training step keeps (weights, which are kept anyhow, not counted)."""
    weights = {p.untyped_storage().data_ptr() for p in f.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    x, y = photos.take(batch, seed=0).batch(slice(None))
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = torch.nn.functional.cross_entropy(f.train()(x), y)
    del loss
    return sum(kept.values())


def _paper(device: str) -> dict[str, float | str]:
    """What A's adversarial training of AlexNet at 224 pixels would take at this machine's rate, measured on one step."""
    from benchmarks.harness.comparison import seconds

    batch = 128 if device == "cuda" else 16
    torch.manual_seed(0)
    f = AlexNet(image_size=224).to(device=device, memory_format=torch.channels_last)
    x = torch.rand(batch, 3, 224, 224, device=device).contiguous(memory_format=torch.channels_last)
    y = torch.randint(1000, (batch,), device=device)

    def step() -> None:
        with mixed_precision(device):
            x_adv = perturb(f, x, y, Attack("l2", 3.0, STEPS, 0.5))
            loss = torch.nn.functional.cross_entropy(f.train()(x_adv), y)
        loss.backward()

    step()
    rate = batch / min(seconds(step, device) for _ in range(5))
    with torch.no_grad():
        forward = flops(lambda: f.eval()(x[:1]))
    total = IMAGENET * EPOCHS * (2 * STEPS + 3) * forward
    return {
        "A's encoder, images a second (AlexNet at 224 pixels, PGD-7)": rate,
        "A's 90 epochs of ImageNet at this rate, hours": IMAGENET * EPOCHS / rate / 3600,
        "utilisation by (2k + 3) F": rate * (2 * STEPS + 3) * forward / peak_flops(device),
        "operations of it all, EFLOP": total / 1e18,
        "hours it would take a GPU that does 150 TFLOP/s of them (computed, not measured)": total
        / 150e12
        / 3600,
    }
