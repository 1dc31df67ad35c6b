"""`arae doctor`: what is on this machine, what is missing, and how to get it."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version

from arae_core.store import available_cores, store_dir

from .build import require_jupyter_book
from .chapters import Refused, all_chapters, find_root
from .profiles import profiles_of


def report() -> str:
    """Two columns of plain text. What cannot be found out says why, and does not hide the rest."""
    rows: list[tuple[str, str]] = []
    for topic in (_machine, _weights, _data, _book):
        try:
            rows += topic()
        except Exception as error:  # a doctor who falls ill with the patient helps nobody
            what = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            rows.append((topic.__name__.strip("_"), f"not to be found out: {what}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}".replace("\n", f"\n{'':<{width}}  ") for name, text in rows)


def _machine() -> Iterator[tuple[str, str]]:
    import torch

    from arae_core.training import computes_bf16

    yield "python", f"{platform.python_version()}, {sys.executable}"
    vision, threads = version("torchvision"), torch.get_num_threads()
    yield "torch", f"{torch.__version__}, torchvision {vision}, {threads} threads"
    if not torch.cuda.is_available():
        yield "CUDA", f"no device (torch is built for CUDA: {torch.version.cuda or 'no'})"
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        bf16 = "" if computes_bf16(f"cuda:{index}") else ", without bf16"
        yield f"cuda:{index}", f"{device.name}, {device.total_memory / 2**30:.0f} GiB{bf16}"
    bf16 = "computes in bf16" if computes_bf16("cpu") else "no bf16 arithmetic: float32 is used"
    yield "cores", f"{available_cores()} ({bf16})"
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        yield "memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _data() -> Iterator[tuple[str, str]]:
    from arae_core.data import available

    store = store_dir()
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    yield "store", f"{store} ({size / 2**20:.0f} MiB)" if store.is_dir() else f"{store} (does not exist yet)"
    yield "ARAE_DATA", os.environ.get("ARAE_DATA") or "not set"
    yield from ((f"data {name}", place) for name, place in available().items())


def _weights() -> Iterator[tuple[str, str]]:
    import torch

    from arae_core.metrics import LPIPSUnavailable, lpips

    try:
        lpips(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32))
        yield "LPIPS trunk", "found"
    except LPIPSUnavailable as error:
        yield "LPIPS trunk", str(error)


def _book() -> Iterator[tuple[str, str]]:
    from arae_core.training.reference import reference_models

    root = find_root()
    yield "book", str(root)
    for name in all_chapters(root):
        yield f"  {name}", "profiles " + ", ".join(profiles_of(name, root))
    yield "models", f"{len(reference_models())} here; `arae models` lists them"
    require_jupyter_book()
    yield "Jupyter Book", version("jupyter-book")
