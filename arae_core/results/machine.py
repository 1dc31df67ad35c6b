"""Where a run took place: the code's commit, the libraries' versions, the device."""

import platform
import subprocess
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


def installed_versions(*more: str) -> dict[str, str]:
    """Python, and the libraries that can change a number, and others; what is not installed is not listed."""
    found = {"python": platform.python_version()}
    for name in (*LIBRARIES, *more):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def describe_device(device: torch.device | str, precision: str = "fp32") -> str:
    """ "cuda: <the GPU's name>, bf16" or "cpu: <n> cores, fp32": the device, and the arithmetic of training on it."""
    name = kind = torch.device(device).type
    if kind == "cuda":
        name = f"cuda: {torch.cuda.get_device_name(device)}"
    elif kind == "cpu":
        name = f"cpu: {available_cores()} cores"
    return f"{name}, {precision_here(device, precision)}"


def _git(*arguments: str) -> str:
    command, here, silent = ["git", *arguments], Path(__file__).parent, subprocess.DEVNULL
    return subprocess.check_output(command, cwd=here, stderr=silent, text=True, timeout=20).strip()
