"""Freed memory stays: a second block costs no page faults. Asked of a process of its own, since it cannot be undone."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from arae_core.training.freed_memory import keep_freed_memory
print(keep_freed_memory() if "keep" in sys.argv else None)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(12_000_000)  # 48 MB, above what glibc keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc is what is asked")
def test_blocks_are_used_again_without_page_faults():
    said = {}
    for how in ("keep", "plain"):
        done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
        said[how] = done.stdout.split()
    assert said["keep"][0] == "True"
    assert int(said["keep"][1]) * 20 < int(said["plain"][1])
