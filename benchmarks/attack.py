"""PGD-7 on one batch: ours, robustness', foolbox's. AutoPGD is timed beside them: another, stronger algorithm."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from arae_core import attacks
from arae_core.training import ClassifierConfig, train_classifier
from arae_core.training.precision import mixed_precision
from benchmarks.harness import BenchRecord, Comparison, Contender, Unequal, apart, measure
from benchmarks.material import photographs, small_alexnet
from benchmarks.peers import attacker_model, cuda_calls_harmless, missing

EPS, STEPS, STEP = 1.0, 7, 0.3  # l2, in pixels of [0, 1]


def run(device: str) -> BenchRecord:
    f = small_alexnet(
        device
    )  # little trained: the further it is, the more a rounding error grows within seven steps
    train_classifier(f, photographs(4000, device), ClassifierConfig(epochs=2, lr=0.05), seed=0)
    plain = copy.deepcopy(f)  # in the plain order of memory, which is what the peers can handle
    f.to(memory_format=torch.channels_last)
    count = 1024 if device == "cuda" else 128
    x, y = photographs(count, device).batch(slice(None))
    # A little noise, so that equal pixels leave no ties in max-pooling for rounding to decide.
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(device)
    x = (x + 0.02 * noise).clamp(0, 1).contiguous(memory_format=torch.channels_last)

    def ours(precision: str) -> Tensor:
        with mixed_precision(device, precision):
            return attacks.pgd(f, x, y, norm="l2", eps=EPS, steps=STEPS, step_size=STEP)

    def loss(x_adv: Tensor) -> Tensor:
        with torch.no_grad():
            return F.cross_entropy(f(x_adv), y)

    def check(own: Tensor, theirs: Tensor, name: str) -> str:
        longest = float((theirs - x).flatten(1).norm(dim=1).max())
        if longest > EPS * 1.001 or not 0 <= float(theirs.min()) <= float(theirs.max()) <= 1:
            raise Unequal(f"{name} leaves the ball ({longest:.4f}) or [0, 1]")
        if name == "AutoPGD" or name.startswith("ours"):  # another algorithm; another precision
            return f"inside the ball; loss {float(loss(theirs)):.4f}, ours {float(loss(own)):.4f}"
        return "inside the ball; " + apart(loss(own), loss(theirs), 1e-3, "loss")

    peers, absent = _peers(plain, x.contiguous(), y, device)
    bf16 = [Contender("ours, precision of the machine", lambda: ours("auto"))]
    return measure(
        Comparison(
            "attack",
            "One attack (PGD-7, l2)",
            f"AlexNet at 32 pixels, a batch of {count}, float32 unless said otherwise",
            Contender("ours", lambda: ours("fp32")),
            [*peers, *bf16],
            check,
            items=count,
            item="image",
            left_out=absent,
            libraries=("robustness", "foolbox", "pyautoattack"),
        ),
        device,
    )


def _peers(f: torch.nn.Module, x: Tensor, y: Tensor, device: str) -> tuple[list[Contender], dict[str, str]]:
    peers, absent = [], missing("robustness", "foolbox", "pyautoattack")
    if "robustness" not in absent:
        model = attacker_model(f, device).eval()

        def robustness() -> Tensor:
            with cuda_calls_harmless(device):
                return model(
                    x,
                    y,
                    make_adv=True,
                    constraint="2",
                    eps=EPS,
                    step_size=STEP,
                    iterations=STEPS,
                    use_best=False,
                )[1]

        peers.append(Contender("robustness", robustness))
    if "foolbox" not in absent:
        import foolbox

        model_there = foolbox.PyTorchModel(f, bounds=(0, 1), device=device)
        pgd = foolbox.attacks.L2PGD(abs_stepsize=STEP, steps=STEPS, random_start=False)
        peers.append(Contender("foolbox", lambda: pgd(model_there, x, y, epsilons=EPS)[1]))
    if "pyautoattack" not in absent:
        peers.append(
            Contender(
                "AutoPGD", lambda: attacks.autoattack(f, x, y, norm="l2", eps=EPS, parts=("apgd-ce",), seed=0)
            )
        )
    return peers, absent
