"""`robust-epoch` with the network of the book's default profile, half as wide."""

from __future__ import annotations

from benchmarks import robust_epoch
from benchmarks.harness import BenchRecord


def run(device: str) -> BenchRecord:
    return robust_epoch.run(device, width=0.5, name="robust-epoch-half")
