"""Where data sets lie: under $ARAE_DATA, or a folder named by a parameter."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from arae_core.store import store_dir


class MissingDataError(FileNotFoundError):
    """A data set that is not here: where it was looked for, and how to get it."""


def data_root(root: str | Path | None = None) -> Path:
    """`root`, else $ARAE_DATA, else the folder `data` of the store. Need not exist."""
    return Path(root or os.environ.get("ARAE_DATA") or store_dir() / "data").expanduser()


def missing(name: str, places: Iterable[Path], how: str) -> MissingDataError:
    """The error for a data set found in none of `places`; `how` says how to get it."""
    looked = "".join(f"\n  {place}" for place in places)
    source = "from $ARAE_DATA" if os.environ.get("ARAE_DATA") else "$ARAE_DATA is not set"
    return MissingDataError(f"{name} is not here. Looked at ({source}):{looked}\n{how}")
