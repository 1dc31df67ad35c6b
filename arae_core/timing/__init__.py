"""Timing one thing against another, and how cost grows: the measure behind `arae bench` and `benchmarks/`."""

from .bench_record import BenchError, BenchRecord, read_benches
from .comparison import Comparison, Contender, Unequal, apart, measure, seconds
from .growth import Growth, exponent, grow
from .own_process import in_own_process
from .tables import bench_table, growth_line, growth_table, last_line, summary

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
    "seconds",
    "summary",
]
