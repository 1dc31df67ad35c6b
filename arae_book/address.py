"""The repository's public address: it stands in `_config.yml`, everything else is derived from it.

Derived are the Colab badge and the set-up cell of each chapter, `repository-code` in CITATION.cff, and the links in
README.md, CONTRIBUTING.md and the book's pages. CITATION.cff thereby keeps the address that was applied last, so that
these links are found again after `_config.yml` was edited by hand.
"""

import copy
import os
import re
from itertools import product
from pathlib import Path, PurePosixPath

import nbformat
import yaml

from arae_core.store import write_whole

from .chapters import Refused, all_chapters

_ADDRESS = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)")
_GITHUB, _COLAB = "https://github.com/", "https://colab.research.google.com/github/"
_PLACES = "CITATION.cff README.md CONTRIBUTING.md book/*.md book/api/*.md book/template/*.ipynb".split()
_SET_UP_TAG = "colab-setup"
_SET_UP = Path(__file__).with_name("colab_cell.txt")


def repository(root: Path) -> tuple[str, str]:
    """The address and the branch that `_config.yml` names. Refused unless it is https://github.com/OWNER/NAME."""
    entry = (yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")) or {}).get("repository") or {}
    return _checked(str(entry.get("url", ""))), str(entry.get("branch", "main"))


def badge(address: str, notebook: str, *, branch: str = "main") -> str:
    """Markdown of the badge that opens `notebook` (relative to the root) in Colab. Its picture is the book's own."""
    image = PurePosixPath(os.path.relpath("book/_static/colab.svg", PurePosixPath(notebook).parent))
    return f"[![Open in Colab]({image})]({address.replace(_GITHUB, _COLAB)}/blob/{branch}/{notebook})"


def setup_cell(address: str) -> str:
    """Source of the chapters' set-up cell: nothing to do where arae_core can be imported, else fetch it."""
    return _SET_UP.read_text(encoding="utf-8").rstrip("\n").replace("ADDRESS", address)


def set_address(root: Path, address: str | None = None) -> list[Path]:
    """Write `address` (default: the one it holds) into `_config.yml`, and derive all other places from it.

    Returns the files that changed; a second call changes none. Refused, before anything is written: an address that is
    not of the form https://github.com/OWNER/NAME.
    """
    texts = derived(root, address)
    if address is not None:
        url, config = r"(?m)^(repository:\n(?:[ \t].*\n)*?[ \t]+url:)[^\n]*", root / "_config.yml"
        texts[config] = re.sub(url, rf"\1 {_checked(address)}", config.read_text(encoding="utf-8"))
    changed = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    return [write_whole(path, texts[path].encode()) for path in changed]


def derived(root: Path, address: str | None = None) -> dict[Path, str]:
    """What each derived file ought to hold under `address` (default: the one in `_config.yml`)."""
    configured, branch = repository(root)
    address = configured if address is None else _checked(address)
    texts = {path: path.read_text(encoding="utf-8") for place in _PLACES for path in root.glob(place)}
    applied = re.findall(r"(?m)^repository-code: \"?([^\"\s]+)", texts[root / "CITATION.cff"])
    for chapter in all_chapters(root).values():
        line = badge(address, chapter.path.relative_to(root).as_posix(), branch=branch)
        texts[chapter.path] = _chapter(chapter.path, line, setup_cell(address))
    for path, old, site in product(texts, {configured, *applied}, (_GITHUB, _COLAB)):
        here = re.escape(old.replace(_GITHUB, site)) + r"(?![\w-])"
        texts[path] = re.sub(here, address.replace(_GITHUB, site), texts[path])
    return texts


def _checked(address: str) -> str:
    bare = address.strip().rstrip("/").removesuffix(".git")
    if not _ADDRESS.fullmatch(bare):
        raise Refused(f"{address!r} is not an address like https://github.com/OWNER/NAME")
    return bare


def _chapter(path: Path, badge_line: str, set_up: str) -> str:
    """The notebook's text with its badge (in the first cell, under the title) and its set-up cell."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    before, title = copy.deepcopy(notebook), notebook.cells[0]
    if _BADGE.search(title.source):
        title.source = _BADGE.sub(lambda _: badge_line, title.source)
    else:
        heading, _, rest = title.source.partition("\n")
        title.source = "\n\n".join(part for part in (heading, badge_line, rest.strip("\n")) if part)
    cell = next((c for c in notebook.cells if _SET_UP_TAG in c.metadata.get("tags", [])), None)
    if cell is None:
        cell = nbformat.v4.new_code_cell(id=_SET_UP_TAG, metadata={"tags": [_SET_UP_TAG, "hide-cell"]})
        notebook.cells.insert(1, cell)
    cell.source = set_up
    return text if notebook == before else nbformat.writes(notebook).rstrip("\n") + "\n"
