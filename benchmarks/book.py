"""Building the book: from nothing, again, after an edit of one chapter, after an edit of the package.

Runs in a copy of the checkout with a store of its own, at the smoke profile, once each: a build takes minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from arae_book.chapters import find_root
from benchmarks.harness import BenchRecord
from benchmarks.harness.bench_record import load

PROFILE = "smoke"


def run(device: str) -> BenchRecord:
    before, times = load(), {}
    with tempfile.TemporaryDirectory() as folder:
        root, store = Path(folder) / "book", Path(folder) / "store"
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=find_root(), capture_output=True, check=True
        ).stdout
        for name in listed.decode().split("\0"):
            if name and (find_root() / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(find_root() / name, root / name)
        edits = {
            "ours, from nothing": None,
            "ours, again, nothing changed": None,
            "ours, one chapter edited": _edit_chapter,
            "ours, a comment in the package": _comment,
            "ours, the package edited, models kept": _edit_package,
        }
        for state, edit in edits.items():
            if edit:
                edit(root)
            times[state] = [_build(root, store)]
    return BenchRecord(
        name="book", title="Building the book", work=f"profile {PROFILE}, once each", times=times, item="book"
    ).sign(device, before)


def _build(root: Path, store: Path) -> float:
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(root), "ARAE_STORE": str(store)}
    done = subprocess.run(
        [sys.executable, "-m", "arae_book", "book", "--profile", PROFILE],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the book could not be built: {done.stderr[-500:]}")
    return time.perf_counter() - began


def _edit_chapter(root: Path) -> None:
    path = root / "book" / "robust_features" / "01_robust_training.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source += "\n# edited"
    nbformat.write(notebook, path)


def _comment(root: Path) -> None:
    path = root / "arae_core" / "attacks" / "pgd.py"
    path.write_text(path.read_text() + "\n# edited\n")


def _edit_package(root: Path) -> None:
    path = root / "arae_core" / "figures" / "style.py"
    path.write_text(path.read_text() + "\nEDITED = True\n")
