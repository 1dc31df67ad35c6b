"""`arae bench`: the benchmarks of `benchmarks/`, each a module with a function `run(device)` that returns a BenchRecord.

The peers that they are compared with are the extra `bench`, and are installed first. What cannot be installed is
said; the benchmarks then leave it out, with the reason in their record.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

from arae_core.figures import growth_curves, save_picture
from benchmarks.harness import BenchRecord, Unequal, bench_table, growth_line, growth_table, last_line

from .chapters import Refused, nearest
from .execute import RunFailed

FOLDER = "benchmarks"
SLOW = ("book",)  # builds the whole book several times: only when named


def all_benchmarks(root: Path) -> dict[str, Path]:
    """Name to file: benchmarks/robust_epoch.py is "robust-epoch"."""
    files = sorted((root / FOLDER).glob("[a-z]*.py"))
    return {path.stem.replace("_", "-"): path for path in files if "def run(" in path.read_text(encoding="utf-8")}


def bench(root: Path, names: Sequence[str], out: Path, *, say: Callable[[str], None] = print,
          install: bool = True) -> list[BenchRecord]:
    """Run the named benchmarks (by default all but the slow ones), write a record of each into `out`.

    Raises Refused for a name that is none; RunFailed, after the others, for one that failed or whose contenders
    did not do the same.
    """
    known = all_benchmarks(root)
    for name in names:
        if name not in known:
            raise Refused(f"there is no benchmark {name!r}{nearest(name, known)}; there are {', '.join(known)}")
    if install:
        for line in install_peers(root):
            say(line)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    records, failures = [], []
    for name in names or [name for name in known if name not in SLOW]:
        try:
            record = _module(root, known[name]).run(device)
        except Unequal as error:
            failures.append(f"{name}: not the same work: {error}")
            say(failures[-1])
            continue
        records.append(record)
        path = record.write(out)
        if record.series:
            save_picture(growth_curves(record.series), path.with_suffix(".png"))
        shown = bench_table(record) if record.times else growth_table(record)
        say(f"\n{record.title}. {record.work}\n\n{shown.markdown}\n\n{path}")
    say("")
    for record in records:
        say(last_line(record) if len(record.times) > 1 else growth_line(record))
    if failures:
        raise RunFailed("; ".join(failures))
    return records


def install_peers(root: Path) -> list[str]:
    """Install what of the extra `bench` is missing, each by itself; a line for each that cannot be."""
    pins = root / "constraints.txt"
    failed = []
    for peer in peers(root):
        if _here(peer):
            continue
        command = [sys.executable, "-m", "pip", "install", "-q", *(["-c", str(pins)] if pins.is_file() else []), peer]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            cause = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            failed.append(f"{peer} cannot be installed, and is left out: {cause}")
    return failed


def peers(root: Path) -> list[str]:
    """Names of the distributions that the extra `bench` of pyproject.toml asks for."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.match(r"[\w.-]+", line).group() for line in project["optional-dependencies"]["bench"]]


def _here(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _module(root: Path, path: Path) -> ModuleType:
    if find_spec(FOLDER) is None:
        sys.path.insert(0, str(root))
        importlib.invalidate_caches()
    return importlib.import_module(f"{FOLDER}.{path.stem}")
