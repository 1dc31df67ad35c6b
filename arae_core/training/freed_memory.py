"""Memory that a step frees stays with the process, for the next step.

glibc hands large blocks back to the kernel, which fills them with zeros when they are asked for again: on a CPU a
twentieth of a step's time in bf16 and a seventh in float32 went into that (page faults, half-width AlexNet at 32
pixels). The process does not grow by it beyond its own peak.
"""

from __future__ import annotations

import ctypes
import functools
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST = 2**30  # bytes; larger blocks go back as before


@functools.cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep what is freed, once a process; False where there is no glibc, or it declines."""
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another allocator in its place
        return False
    return all([mallopt(M_TRIM_THRESHOLD, LARGEST), mallopt(M_MMAP_THRESHOLD, LARGEST)])
