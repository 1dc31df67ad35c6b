"""What several test folders share: the checkout's root and files, and whether a package index answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that is being tested."""
    return ROOT


@pytest.fixture(scope="session")
def checkout_files(root) -> list[str]:
    """The names of the checkout's files as they are now, uncommitted too; skips where Git lists none."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a git checkout: its files cannot be listed")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, check=True,
                            capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if (root / name).is_file()]


@pytest.fixture(scope="module")
def checkout_copy(root, checkout_files, tmp_path_factory) -> Path:
    """A folder of its own with a copy of those files."""
    folder = tmp_path_factory.mktemp("copy") / "book"
    for name in checkout_files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def uv() -> str:
    """The uv executable, known to reach a package index; skips where there is none, or no network."""
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.exists() else shutil.which("uv")
    if program is None:
        pytest.skip("uv is not installed")
    probe = subprocess.run([program, "pip", "compile", "--no-cache", "--quiet", "-"], input="iniconfig\n",
                           text=True, capture_output=True, timeout=120, env={**os.environ, "UV_HTTP_TIMEOUT": "10"})
    if probe.returncode:
        pytest.skip(f"no package index answers: {probe.stderr.strip().splitlines()[-1:]}")
    return program


@pytest.fixture(scope="session")
def clean_environ() -> dict[str, str]:
    """The environment variables, without those that lend a new Python this checkout's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


@pytest.fixture(scope="session")
def tests_store(tmp_path_factory) -> Path:
    """A store of the tests' own, empty at first, so that everything is trained, and once: most chapters want the same
    pair, and a chapter that runs as in Colab what it trained in its smoke run. All workers of pytest-xdist share it."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "store"


@pytest.fixture(scope="module")
def roomy_folder():
    """An empty folder for a whole environment, on the checkout's disk so that uv can link into it."""
    build = ROOT / "_build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="environment-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
