"""A contender that works in a process of its own.

What one side asks of the process (of its memory allocator, of torch's settings) must not change what the other one has
to work with. The turns stay turns: the processes wait for one another.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

_work: Callable[[], Any] | None = None  # of this process, once it was prepared


def in_own_process(build: Callable[..., Callable[[], Any]], *arguments: Any) -> Callable[[], Any]:
    """A call that works in another process, which `build(*arguments)` prepares once by returning what to call there.

    build: a function of a module. Arguments and outcomes are pickled, so they had better be small. The process ends
    with the returned call. Raises what the work raises, and BrokenProcessPool if its process dies.
    """
    pool = ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), _prepare, (torch.get_num_threads(), build, arguments)
    )
    return lambda: pool.submit(_turn).result()


def _prepare(threads: int, build: Callable[..., Callable[[], Any]], arguments: tuple[Any, ...]) -> None:
    global _work
    torch.set_num_threads(threads)
    _work = build(*arguments)


def _turn() -> Any:
    return _work()
