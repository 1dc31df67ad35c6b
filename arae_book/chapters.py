"""The chapters: `book/<part>/NN_<name>.ipynb` is the chapter <name>. What is refused says so with `Refused`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from arae_core.store import book_root

_FILE = re.compile(r"\d+[a-z]?_(?P<name>\w+)\.ipynb")
DEFAULT = "default"


class Refused(ValueError):
    """What was asked for cannot be done, and nothing was begun; the message says why and what can."""


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book that lies at `root`."""

    name: str
    path: Path
    root: Path


def find_root() -> Path:
    """The folder with `_config.yml` and `book/`: $ARAE_BOOK, the package's checkout, or a parent of here."""
    root = book_root()
    if root is None or not (root / "_config.yml").is_file() or not (root / "book").is_dir():
        where = root or Path.cwd()
        raise Refused(f"{where} is not the book: run this inside a checkout of it, or set ARAE_BOOK to one")
    return root


def all_chapters(root: Path) -> dict[str, Chapter]:
    """Every chapter by name, in the order of parts and numbers."""
    found: dict[str, Chapter] = {}
    for path in sorted((root / "book").glob("*/*.ipynb")):
        name = match["name"] if (match := _FILE.fullmatch(path.name)) else ""
        if name in found:
            raise Refused(f"two chapters are called {name}: {found[name].path} and {path}")
        found |= {name: Chapter(name, path, root)} if name else {}
    return found


def find_chapter(root: Path, name: str) -> Chapter:
    """The chapter of that name. Refused, with the nearest names, if there is none."""
    chapters = all_chapters(root)
    if name not in chapters:
        raise Refused(f"there is no chapter {name!r}{nearest(name, chapters)}")
    return chapters[name]


def chapters_in_order(root: Path) -> list[Chapter]:
    """The chapters that `_toc.yml` names, in its order."""
    by_file = {c.path.with_suffix("").relative_to(root).as_posix(): c for c in all_chapters(root).values()}
    contents = (root / "_toc.yml").read_text(encoding="utf-8")
    files = re.findall(r"(?m)^[ -]*file: *(\S+?)(?:\.ipynb)?$", contents)
    return [by_file[file] for file in files if file in by_file]


def nearest(name: str, known: Iterable[str]) -> str:
    """How a refusal goes on: "; did you mean …?", or all there is where nothing comes near."""
    known = list(known)
    if close := get_close_matches(name, known, n=3, cutoff=0.5):
        return f"; did you mean {' or '.join(close)}?"
    return f"; there is {', '.join(known)}" if known else "; there is none"
