"""A plain folder of pictures, as Kodak24, CBSD68 or DIV2K come: no splits, no classes, each of its own size."""

from __future__ import annotations

from pathlib import Path

from arae_core.data.listing import ENDINGS
from arae_core.data.places import data_root, missing


def picture_files(folder: str | Path, *, root: str | Path | None = None) -> list[Path]:
    """The pictures of a folder by name, folders inside it left out; `data.picture` reads one.

    folder  a path, or one under the data root ("denoise/Kodak24")
    root    where data sets lie, instead of $ARAE_DATA

    Raises MissingDataError (a FileNotFoundError) with the places looked at, also for a folder without a picture.
    """
    places = [Path(folder).expanduser(), data_root(root) / folder]
    for place in places:
        files = sorted(place.iterdir()) if place.is_dir() else []
        found = [f for f in files if f.suffix.lower() in ENDINGS and not f.name.startswith(".") and f.is_file()]
        if found:
            return found
    how = f"It is a folder with pictures in it ({', '.join(ENDINGS)})."
    raise missing(str(folder), places, how)
