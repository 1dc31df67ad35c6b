"""Side by side: ours and somebody else's, on the same work, in one run, and a check that it was the same."""

from benchmarks.harness.bench_record import BenchError, BenchRecord, read_benches
from benchmarks.harness.comparison import Comparison, Contender, Unequal, apart, measure
from benchmarks.harness.growth import Growth, exponent, grow
from benchmarks.harness.own_process import in_own_process
from benchmarks.harness.tables import bench_table, growth_line, growth_table, last_line, summary

__all__ = [
    "BenchError",
    "BenchRecord",
    "Comparison",
    "Contender",
    "Growth",
    "Unequal",
    "apart",
    "bench_table",
    "exponent",
    "grow",
    "growth_line",
    "growth_table",
    "in_own_process",
    "last_line",
    "measure",
    "read_benches",
    "summary",
]
