"""Where things lie: the reader's store of trained models, a run's own files, the committed reference runs.

`$ARAE_STORE` moves the store, `$ARAE_OUT` a run's files; `$ARAE_BOOK` names the book's folder when the package is
used outside a checkout of it.
"""

import os
import tempfile
from pathlib import Path

import platformdirs

# What of `book/reference` and the claims this process has looked at: files, and patterns of files
# (".../records/inversion-*.json"), so that one which is added counts too. A page is stale when any of it has changed.
asked: set[Path] = set()


def store_dir() -> Path:
    """$ARAE_STORE, else the user's cache folder. Not created here."""
    return Path(os.environ.get("ARAE_STORE") or platformdirs.user_cache_path("arae")).expanduser()


def out_dir(chapter: str) -> Path:
    """Where the chapter's run writes `records/` and pictures: $ARAE_OUT, else the store's runs/<chapter>."""
    return Path(os.environ.get("ARAE_OUT") or store_dir() / "runs" / chapter).expanduser()


def book_root() -> Path | None:
    """The folder with `_config.yml` and `book/`: $ARAE_BOOK, the package's checkout, or a parent of here."""
    if os.environ.get("ARAE_BOOK"):
        return Path(os.environ["ARAE_BOOK"]).expanduser().resolve()
    here = Path.cwd()
    for folder in (Path(__file__).resolve().parents[1], here, *here.parents):
        if (folder / "_config.yml").is_file() and (folder / "book").is_dir():
            return folder
    return None


def reference_dir() -> Path | None:
    """`book/reference`: records, pictures and small models of the reference runs, if the book is here."""
    root = book_root()
    return root / "book" / "reference" if root else None


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
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide the file from whoever shares the folder
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OSError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
    return path


def available_cores() -> int:
    """The cores that this process may use, which in a container or a batch job are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
