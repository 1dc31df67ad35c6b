"""Where things lie: the reader's store of trained models, and the committed reference runs.

`$ARAE_STORE` moves the store, `$ARAE_BOOK` names the book's folder when the package is used
outside a checkout of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def store_dir() -> Path:
    """$ARAE_STORE, else the user's cache folder. Not created here."""
    return Path(os.environ.get("ARAE_STORE") or platformdirs.user_cache_path("arae")).expanduser()


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
