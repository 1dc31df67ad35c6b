"""Where a run took place: the code's commit, the libraries' versions, the device."""

import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from arae_core.store import available_cores
from arae_core.training.precision import precision_here

LIBRARIES = ("torch", "torchvision", "torchmetrics", "lpips", "pyautoattack", "numpy")


def code_state() -> tuple[str | None, bool | None]:
    """(commit, dirty) of the checkout this package lies in, or (None, None) where it lies in none."""
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)  # another project's repository is not ours
        return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def installed_versions() -> dict[str, str]:
    """Python and the libraries that can change a number; what is not installed is not listed."""
    return {"python": platform.python_version()} | versions_of(LIBRARIES)


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """The versions of those distributions that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def describe_device(device: torch.device | str, precision: str = "fp32") -> str:
    """ "cuda: <the GPU's name>, bf16" or "cpu: <n> cores, fp32": the device, and the arithmetic of training on it."""
    return f"{_name_of(device)}, {precision_here(device, precision)}"


def _name_of(device: torch.device | str) -> str:
    kind = torch.device(device).type
    if kind == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"cpu: {available_cores()} cores" if kind == "cpu" else kind


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return done.stdout.strip()
