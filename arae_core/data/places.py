"""Where data sets lie: under $ARAE_DATA, or a folder named by a parameter; and arguments that cannot be meant."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

from arae_core.store import store_dir

Root = str | Path | None


class MissingDataError(FileNotFoundError, ValueError):
    """A data set that is not here: where it was looked for, and how to get it."""


def data_root(root: Root = None) -> Path:
    """`root`, else $ARAE_DATA, else the folder `data` of the store. Need not exist."""
    return Path(root or os.environ.get("ARAE_DATA") or store_dir() / "data").expanduser()


def missing(name: str, places: Iterable[Path], how: str) -> MissingDataError:
    """The error for a data set found in none of `places`; `how` says how to get it."""
    looked = "".join(f"\n  {place}" for place in places)
    source = "from $ARAE_DATA" if os.environ.get("ARAE_DATA") else "$ARAE_DATA is not set"
    return MissingDataError(f"{name} is not here. Looked at ({source}):{looked}\n{how}")


def check_split(split: str) -> None:
    """ValueError unless it is "train" or "test"."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")


def check_integer(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    """ValueError unless value is an integer from `least` to `most` (None: without an end)."""
    if type(value) is not int or value < least or (most is not None and value > most):
        to = "on" if most is None else f"to {most}"
        wanted = "a positive integer" if (least, most) == (1, None) else f"an integer from {least} {to}"
        raise ValueError(f"{name} must be {wanted}, not {value!r}")


def near(name: str, names: Iterable[str]) -> str:
    """What follows a name that is unknown: a question with the nearest one, or a full stop."""
    found = difflib.get_close_matches(name, list(names), 1, 0.4)
    return f"; did you mean {found[0]}?" if found else "."
