"""torchvision's ImageNet weights, where they are at hand: no package ships them, and nothing here needs them.

A file is looked for where torch keeps its downloads and under the data root's `weights/`, and its SHA-256 must
begin as its name says. A number from other weights would not be what it is called, so without the file there is
none: `WeightsUnavailable` says why, and what to do.
"""

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from arae_core.data.places import data_root

DOWNLOADS = "https://download.pytorch.org/models/"


class WeightsUnavailable(RuntimeError):
    """Weights that are not here. The message says why, where was looked, and the way out; `reason` is its first
    sentence, which names no folder and so can stand in a record or under a table."""

    def __init__(self, reason: str, way_out: str):
        super().__init__(f"{reason}. {way_out}")
        self.reason, self.way_out = reason, way_out


def weights_file(name: str, *, needed_by: str, fetch: str) -> Path:
    """The file of that name, wherever it lies; its hash is not looked at. Raises WeightsUnavailable.

    needed_by: the subject of the sentence, "LPIPS (alex) needs the ImageNet trunk". fetch: what downloads it, in Python.
    """
    folders = [data_root() / "weights", _downloads()]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise WeightsUnavailable(
        f"{needed_by} {name}, which is not on this machine",
        f"Looked in {' and '.join(map(str, folders))}. "
        f'With a network: python -c "{fetch}". '
        f"Without: bring the file from {DOWNLOADS}{name} to {folders[0]}/.",
    )


def fetch_weights(name: str) -> Path:
    """Download the file into torch's own cache, check it, return its path; the only place that downloads weights.

    Raises WeightsUnavailable when that fails.
    """
    target = _downloads() / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(DOWNLOADS + name, str(target), _prefix(target))
        except (OSError, RuntimeError) as error:  # no network; a wrong hash
            reason = f"the ImageNet weights {name} could not be fetched"
            raise WeightsUnavailable(reason, f"{DOWNLOADS}{name}: {error}") from error
    verify(target)
    return target


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a verified file, by torchvision's names. Raises WeightsUnavailable as `verify`."""
    verify(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def verify(path: Path) -> None:
    """Raises WeightsUnavailable unless the file's SHA-256 begins as its name says."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(_prefix(path)):
        way_out = f"The SHA-256 of {path} begins with {digest[:8]}, not {_prefix(path)}; bring it again."
        raise WeightsUnavailable(f"the ImageNet weights {path.name} are damaged or another file", way_out)


def _downloads() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _prefix(path: Path) -> str:
    return path.stem.rsplit("-", 1)[1]
