"""Side by side: the same work by our code and by somebody else's, in one run, and a check that it was the same.

The contenders take turns, so that a machine that warms up or is disturbed disturbs all of them. Times are given
as median and range; where ranges overlap nothing is claimed.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.harness.bench_record import BenchRecord, load


class Unequal(AssertionError):
    """Two contenders did not do the same work: the times mean nothing."""


@dataclass(frozen=True)
class Contender:
    """One way to do the work. `work` does it once, from the same start each time, and returns its outcome."""

    name: str
    work: Callable[[], Any]


@dataclass
class Comparison:
    """Ours against peers.

    check       called with (our outcome, a peer's outcome, the peer's name) after the first round; says in a few
                words how equal they are, or raises Unequal
    items       how many `item`s one call of `work` handles
    libraries   distributions whose versions decide the peers' times
    """

    name: str
    title: str
    work: str
    ours: Contender
    peers: Sequence[Contender]
    check: Callable[[Any, Any, str], str]
    items: int = 1
    item: str = "run"
    facts: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    libraries: Sequence[str] = ()


def measure(comparison: Comparison, device: torch.device | str = "cpu", repeats: int = 5) -> BenchRecord:
    """Warm up and check, then time `repeats` rounds in which every contender has one turn.

    Raises Unequal before anything is timed; ValueError for fewer than 5 repeats, of which no range is worth giving.
    """
    if repeats < 5:
        raise ValueError(f"a comparison takes at least 5 repeats, not {repeats}")
    before = load()
    contenders = [comparison.ours, *comparison.peers]
    outcomes = {its.name: its.work() for its in contenders}
    equal = {
        peer.name: comparison.check(outcomes[comparison.ours.name], outcomes[peer.name], peer.name)
        for peer in comparison.peers
    }
    times: dict[str, list[float]] = {its.name: [] for its in contenders}
    for number in tqdm(range(repeats), comparison.name, leave=False, disable=None):
        turn = number % len(contenders)
        for its in contenders[turn:] + contenders[:turn]:
            times[its.name].append(seconds(its.work, device))
    record = BenchRecord(
        name=comparison.name,
        title=comparison.title,
        work=comparison.work,
        times=times,
        equal=equal,
        items=comparison.items,
        item=comparison.item,
        facts=dict(comparison.facts),
        left_out=dict(comparison.left_out),
    )
    return record.sign(device, before, comparison.libraries)


def seconds(work: Callable[[], Any], device: torch.device | str = "cpu") -> float:
    """Of one call, the device waited for before and after; nothing is collected while the clock runs."""
    gc.collect()
    wait(device)
    began = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def apart(ours: torch.Tensor, theirs: torch.Tensor, limit: float, what: str, relative: bool = False) -> str:
    """The largest difference in words; Unequal if it is above `limit`, or NaN. relative: to the largest of ours."""
    difference = float((ours.double() - theirs.double()).abs().max())
    if relative:
        difference /= max(float(ours.abs().max()), 1e-12)
    if not difference <= limit:
        raise Unequal(f"{what}: apart by {difference:.2g}, {limit:g} is allowed")
    return f"{what} to {difference:.1e}"
