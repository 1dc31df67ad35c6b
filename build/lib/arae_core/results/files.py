"""Small files that are either whole or as they were, and where a chapter's run leaves its own."""

import os
import tempfile
from pathlib import Path

from arae_core.store import store_dir


def out_dir(chapter: str) -> Path:
    """Where the chapter's run writes `records/` and pictures: $ARAE_OUT, else the store's runs/<chapter>."""
    if os.environ.get("ARAE_OUT"):
        return Path(os.environ["ARAE_OUT"]).expanduser()
    return store_dir() / "runs" / chapter


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write content to path through a neighbour that then takes its name; folders are made.

    A kill, a full disk or a read-only folder leaves the file that was there before. Raises OSError with
    path and cause.
    """
    path, temporary = Path(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide records from whoever shares the folder
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OSError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
    return path
