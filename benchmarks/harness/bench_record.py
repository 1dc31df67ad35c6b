"""One JSON a benchmark: the times, what was checked to be equal, the machine, and how busy it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

import torch

from arae_core.results.machine import code_state, describe_device, installed_versions
from arae_core.store import write_whole


class BenchError(ValueError):
    """A benchmark's file that cannot be read."""


@dataclass
class BenchRecord:
    """What one benchmark measured, in seconds.

    times       contender to its repeats, in the order in which they were taken; `ours` is the first of them
    items       how many `item`s ("image", "step") one repeat works on
    equal       peer to what was compared and how far apart it was: the check that both did the same
    facts       label to a number or a text: what else was measured (a ratio to a floor, a share of the peak)
    series      of a growth: variable to {"x", "y", "unit" of y, "exponent"}
    left_out    what was to be timed and could not be, with the reason
    """

    name: str
    title: str
    work: str
    times: dict[str, list[float]] = field(default_factory=dict)
    items: int = 1
    item: str = "run"
    equal: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    series: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    device: str = ""
    threads: int = 0
    load: list[float] = field(default_factory=list)  # 1-minute load average before and after; empty: unknown
    versions: dict[str, str] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None
    created: str = ""

    def sign(
        self, device: torch.device | str, load_before: list[float], libraries: Iterable[str] = ()
    ) -> BenchRecord:
        """Add where and when it was measured; libraries: peers whose versions belong to it."""
        self.device, self.threads = describe_device(device, "auto"), torch.get_num_threads()
        self.load = load_before + load()
        self.versions = installed_versions(*libraries)
        self.commit, self.dirty = code_state()
        self.created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return self

    @property
    def ours(self) -> str:
        return next(iter(self.times))

    @property
    def peers(self) -> list[str]:
        """The others, but for further forms of ours."""
        return [name for name in list(self.times)[1:] if not name.startswith("ours")]

    def seconds(self, contender: str) -> float:
        """Median of its repeats."""
        return median(self.times[contender])

    def ratio(self, peer: str) -> tuple[float, float, float]:
        """How many times as long the peer takes: of the medians; lowest and highest of the repeats, pair by pair."""
        pairs = [theirs / ours for ours, theirs in zip(self.times[self.ours], self.times[peer], strict=True)]
        return self.seconds(peer) / self.seconds(self.ours), min(pairs), max(pairs)

    def verdict(self, peer: str) -> str:
        """ "faster" or "slower" (ours) where the ranges of the repeats do not overlap; else "no claim"."""
        ours, theirs = self.times[self.ours], self.times[peer]
        if max(ours) < min(theirs):
            return "faster"
        return "slower" if min(ours) > max(theirs) else "no claim"

    @property
    def machine(self) -> str:
        """The machine as a file name: "cpu-2-cores-bf16"."""
        kept = "".join(c if c.isalnum() else "-" for c in self.device.lower())
        return "-".join(filter(None, kept.split("-")))

    def write(self, folder: str | Path) -> Path:
        """Write <name>-<machine>.json atomically."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False)
        return write_whole(Path(folder) / f"{self.name}-{self.machine}.json", text.encode() + b"\n")

    @classmethod
    def read(cls, path: str | Path) -> BenchRecord:
        """Read one. BenchError, with the path, for what is none."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise BenchError(
                f"{path} is no whole JSON file ({error}): delete it and run the benchmark again"
            ) from error
        known = {f.name for f in fields(cls)}
        if not isinstance(content, dict) or set(content) != known:
            odd = (
                sorted(known.symmetric_difference(content))
                if isinstance(content, dict)
                else type(content).__name__
            )
            raise BenchError(f"{path} is no benchmark's record: {odd}")
        times = [t for its in content["times"].values() for t in its]
        if not all(isinstance(t, (int, float)) and isfinite(t) and t > 0 for t in times):
            raise BenchError(f"{path}: times must be seconds above 0")
        if len({len(its) for its in content["times"].values()}) > 1:
            raise BenchError(f"{path}: the contenders have different numbers of repeats")
        return cls(**content)


def read_benches(folder: str | Path) -> list[BenchRecord]:
    """Every benchmark's record in a folder, by file name; an absent folder holds none."""
    return [BenchRecord.read(path) for path in sorted(Path(folder).glob("*.json"))]


def load() -> list[float]:
    """[1-minute load average], or nothing where the system keeps none."""
    return [round(os.getloadavg()[0], 2)] if hasattr(os, "getloadavg") else []
