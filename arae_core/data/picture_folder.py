"""A plain folder of pictures, as Kodak24, CBSD68 or DIV2K come: no splits, no classes, each of its own size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from arae_core.data.listing import ENDINGS
from arae_core.data.places import data_root, missing


def picture_files(folder: str | Path, *, root: str | Path | None = None) -> list[Path]:
    """The pictures of a folder by name, or of the folders inside it by path where it has none itself.

    `data.picture` reads one. Where a folder holds pictures, folders inside it are left out; where it holds none, as a
    data set with a folder for each class, all below it count.

    folder  a path, or one under the data root ("denoise/Kodak24")
    root    where data sets lie, instead of $ARAE_DATA

    Raises MissingDataError (a FileNotFoundError) with the places looked at, also for a folder without a picture.
    """
    places = [Path(folder).expanduser(), data_root(root) / folder]
    for place in places:
        if found := _pictures(place.glob("*")) or _pictures(place.rglob("*")):
            return found
    how = f"It is a folder with pictures in it ({', '.join(ENDINGS)})."
    raise missing(str(folder), places, how)


def _pictures(paths: Iterable[Path]) -> list[Path]:
    return sorted(p for p in paths if p.suffix.lower() in ENDINGS and not p.name.startswith(".") and p.is_file())
