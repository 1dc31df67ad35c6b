"""An epoch of adversarial training, data path included: ours against robustness' loop with torchvision's loader.

Both start from the same weights (of a short plain training, so that the attack finds something), shuffle, shift and flip
2,048 crops of photographs and attack them with PGD-7. Theirs works in float32 and reads PIL images, as it does out of the
box; its colour jitter and rotation are left out, since ours has none. Ours in float32 is timed as well, so that what
precision brings is seen apart.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from arae_core import data
from arae_core.training import Attack, ClassifierConfig, train_classifier
from benchmarks.harness import BenchRecord, Comparison, Contender, Unequal, in_own_process, measure
from benchmarks.material import photographs, trained_alexnet
from benchmarks.peers import attacker_model, cuda_calls_harmless, missing, train_epoch

IMAGES, STEPS, EPS, STEP, LR = 2048, 7, 1.0, 0.3, 0.02


class _PilImages(Dataset):
    """The same images as torchvision's CIFAR-10 hands them out."""

    def __init__(self, images: data.ImageSet):
        self.images = [to_pil_image(image) for image in images.images.cpu()]
        self.labels = images.labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4, padding_mode="reflect"),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def run(device: str, width: float = 1.0, name: str = "robust-epoch") -> BenchRecord:
    start = trained_alexnet(device, width)

    def ours(precision: str) -> Callable[[], float]:
        return in_own_process(_ours, start, device, precision)

    def check(own: float, theirs: float, _: str) -> str:
        if not abs(own - theirs) <= 0.03 * own:
            raise Unequal(f"mean loss of the epoch {own:.4f} and {theirs:.4f}")
        return f"mean loss {theirs:.4f}, ours {own:.4f}"

    absent, peers = missing("robustness"), [Contender("ours, float32", ours("fp32"))]
    if not absent:
        peers.insert(0, Contender("robustness", in_own_process(_robustness, start, device)))
    return measure(
        Comparison(
            name,
            f"An epoch of adversarial training (PGD-7), width {width:g}",
            f"AlexNet at 32 pixels, width {width:g}, {IMAGES:,} images, batch {_batch(device)}, shifted and flipped; each in a "
            "process of its own",
            Contender("ours, precision of the machine", ours("auto")),
            peers,
            check,
            items=IMAGES,
            item="image",
            left_out=absent,
            libraries=("robustness",),
        ),
        device,
    )


def _batch(device: str) -> int:
    return 1024 if device == "cuda" else 128


def _ours(start: torch.nn.Module, device: str, precision: str) -> Callable[[], float]:
    train = photographs(IMAGES, device)
    config = ClassifierConfig(
        epochs=1,
        batch_size=_batch(device),
        lr=LR,
        schedule="constant",
        weight_decay=5e-4,
        clip=0,
        augment="crop+flip",
        precision=precision,
        attack=Attack("l2", EPS, STEPS, STEP),
    )

    def epoch() -> float:
        network = copy.deepcopy(start)
        return train_classifier(network, train, config, seed=0)[0]["loss"]

    return epoch


def _robustness(start: torch.nn.Module, device: str) -> Callable[[], float]:
    workers = (
        min(8, os.cpu_count() or 1) if device == "cuda" else 0
    )  # on two cores workers would take the network's
    images = _PilImages(photographs(IMAGES, device))
    loader = DataLoader(images, _batch(device), shuffle=True, num_workers=workers, drop_last=True)
    attack = {"eps": EPS, "attack_lr": STEP, "attack_steps": STEPS, "constraint": "2"}

    def epoch() -> float:
        torch.manual_seed(0)
        network = copy.deepcopy(start).train()
        optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=0.9, weight_decay=5e-4)
        with cuda_calls_harmless(device):
            return train_epoch(attacker_model(network, device), loader, optimizer, attack)

    return epoch
