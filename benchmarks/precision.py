"""What bf16 brings to adversarial training, and whether the encoder that comes out is as robust.

The same recipe in the machine's precision and in float32, over three seeds; every encoder is evaluated in float32, clean
and under PGD on held-out crops. Two trainings that round differently end at different weights, so what must agree is
their accuracy: bf16's mean has to lie inside the 95 % interval of float32's, over seeds.
"""

from __future__ import annotations

from functools import partial
from statistics import mean

from scipy.stats import ttest_1samp

from arae_core.attacks import pgd
from arae_core.metrics import accuracy
from arae_core.training import Attack, ClassifierConfig, computes_bf16, train_classifier
from benchmarks.harness import BenchRecord, Unequal
from benchmarks.harness.bench_record import load
from benchmarks.harness.comparison import seconds
from benchmarks.material import photographs, small_alexnet

SEEDS, IMAGES, EPOCHS, EPS = 3, 5000, 4, 1.0
NAMES = {"auto": "ours, precision of the machine", "fp32": "ours, float32"}


def run(device: str) -> BenchRecord:
    before = load()
    train, test = photographs(IMAGES, device), photographs(1000, device, "test")
    evaluated = partial(pgd, norm="l2", eps=EPS, steps=10, step_size=0.25)
    times: dict[str, list[float]] = {name: [] for name in NAMES.values()}
    clean: dict[str, list[float]] = {precision: [] for precision in NAMES}
    robust: dict[str, list[float]] = {precision: [] for precision in NAMES}
    for seed in range(SEEDS):
        for precision, name in NAMES.items():
            f = small_alexnet(device, 0.5)
            config = ClassifierConfig(epochs=EPOCHS, precision=precision, attack=Attack("l2", EPS, 3, 0.8))
            times[name].append(seconds(lambda: train_classifier(f, train, config, seed=seed), device))
            clean[precision].append(float(accuracy(f, test.batches(250)).float().mean()))
            robust[precision].append(
                float(accuracy(f, test.batches(250), lambda f, x, y: evaluated(f, x, y)).float().mean())
            )
    record = BenchRecord(
        name="precision",
        title="bf16 against float32, in accuracy",
        work=f"AlexNet at 32 pixels, width 0.5, {IMAGES:,} "
        f"images, {EPOCHS} epochs against PGD-3 at l2 {EPS:g}, seeds 0 to {SEEDS - 1}; evaluated in float32 on {len(test):,} crops",
        times=times,
        items=IMAGES * EPOCHS,
        item="image",
        facts=_facts(clean, robust),
        left_out={}
        if computes_bf16(device)
        else {"bf16": "this machine does not compute in it, both columns are float32"},
    )
    return record.sign(device, before)


def _facts(clean: dict[str, list[float]], robust: dict[str, list[float]]) -> dict[str, str]:
    """Accuracies with the interval of float32's. Unequal if the machine's precision falls outside of it."""
    facts = {}
    for name, found in (("clean accuracy", clean), ("accuracy under PGD", robust)):
        low, high = ttest_1samp(found["fp32"], 0).confidence_interval(0.95)
        ours = mean(found["auto"])
        if not low <= ours <= high:
            raise Unequal(
                f"{name} {ours:.4f} in the machine's precision, in float32 between {low:.4f} and {high:.4f}"
            )
        facts[f"{name}, precision of the machine, %"] = f"{100 * ours:.1f}"
        facts[f"{name}, float32, % (95 % interval over seeds)"] = (
            f"{100 * mean(found['fp32']):.1f} ({100 * low:.1f} to {100 * high:.1f})"
        )
    return facts
