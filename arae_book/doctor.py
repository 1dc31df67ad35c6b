"""`arae doctor`: what is on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version

from arae_core.store import store_dir

from .build import require_jupyter_book
from .chapters import Refused, all_chapters, find_root

_GIB = 2**30


def report() -> str:
    """Two columns of plain text. What cannot be found out says why, and does not hide the rest."""
    topics: list[tuple[str, Callable[[], Iterator[tuple[str, str]]]]] = [
        ("python", _python), ("torch", _torch), ("machine", _machine), ("data", _data), ("LPIPS", _lpips),
        ("store", _store), ("book", _book), ("models", _models), ("Jupyter Book", _jupyter_book)]
    rows: list[tuple[str, str]] = []
    for name, topic in topics:
        try:
            rows += topic()
        except Exception as error:  # a doctor who falls ill with the patient helps nobody
            rows.append((name, f"not to be found out: {type(error).__name__}: {error}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {line}" for name, text in rows for name, line in _lines(name, text))


def _python() -> Iterator[tuple[str, str]]:
    yield "python", f"{platform.python_version()}, {sys.executable}"


def _torch() -> Iterator[tuple[str, str]]:
    import torch

    yield "torch", f"{torch.__version__}, torchvision {version('torchvision')}, {torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        built = torch.version.cuda
        yield "CUDA", f"no device (torch is built for CUDA {built})" if built else "torch is built without"
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        bf16 = "" if torch.cuda.is_bf16_supported(including_emulation=False) else ", without bf16"
        yield f"cuda:{index}", f"{device.name}, {device.total_memory / _GIB:.0f} GiB{bf16}"


def _machine() -> Iterator[tuple[str, str]]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield "cores", f"{cores} ({_bf16()})"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        yield "memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / _GIB:.0f} GiB"


def _bf16() -> str:
    """Whether the CPU computes in bf16 itself; where it does not, torch emulates it slowly."""
    from arae_core.training import computes_bf16

    return "computes in bf16" if computes_bf16("cpu") else "no bf16 arithmetic: float32 is used"


def _data() -> Iterator[tuple[str, str]]:
    from arae_core.data import available

    yield "ARAE_DATA", os.environ.get("ARAE_DATA") or "not set"
    for name, place in available().items():
        yield f"data {name}", place


def _lpips() -> Iterator[tuple[str, str]]:
    import torch

    from arae_core.metrics import LPIPSUnavailable, lpips

    try:
        lpips(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32))
        yield "LPIPS trunk", "found"
    except LPIPSUnavailable as error:
        yield "LPIPS trunk", str(error)


def _store() -> Iterator[tuple[str, str]]:
    store = store_dir()
    if not store.is_dir():
        yield "store", f"{store} (does not exist yet)"
        return
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    yield "store", f"{store} ({size / 2**20:.0f} MiB)"


def _book() -> Iterator[tuple[str, str]]:
    try:
        root = find_root()
    except Refused as error:
        yield "book", str(error)
        return
    yield "book", f"{root}"
    for chapter in all_chapters(root).values():
        yield f"  {chapter.name}", "profiles " + ", ".join(chapter.profiles())


def _models() -> Iterator[tuple[str, str]]:
    from .models import models

    try:
        found = models(find_root())
    except Refused:  # said above
        return
    wrong = [f"{its.title} {its.where}" for its in found if its.damaged or its.card is None]
    here = sum(its.where == "here" for its in found)
    away = len(found) - here - len(wrong)
    yield "models", "\n".join([f"{here} here, as their cards say; {away} known by card alone", *wrong])


def _jupyter_book() -> Iterator[tuple[str, str]]:
    try:
        require_jupyter_book()
        yield "Jupyter Book", version("jupyter-book")
    except Refused as error:
        yield "Jupyter Book", str(error)


def _lines(name: str, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines()):
        yield ("" if number else name), line
