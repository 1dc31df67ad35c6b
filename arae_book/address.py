"""The repository's public address: it stands in `_config.yml`, everything else is derived from it.

Derived are the Colab badge and the set-up cell of each chapter, `repository-code` in CITATION.cff, and the
links in README.md, CONTRIBUTING.md and the book's pages. CITATION.cff thereby keeps the address that was
applied last, so that these links are found again after `_config.yml` was edited by hand.
"""

from __future__ import annotations

import copy
import os
import re
import tempfile
from pathlib import Path, PurePosixPath

import nbformat
import yaml

from .chapters import all_chapters

_ADDRESS = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)")
_SET_UP_TAG = "colab-setup"

_SET_UP = '''\
# In Colab only: fetch the book and the packages it lacks. The torch that is installed stays as it is.
import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version
if importlib.util.find_spec("arae_core") is None:
    if tuple(int(number) for number in version("torch").split(".")[:2]) < (2, 11):
        raise RuntimeError(f"the book needs torch 2.11 or newer, and this runtime has {version('torch')}")
    if not os.path.isdir("arae-book"):
        subprocess.run(["git", "clone", "-q", "--depth", "1", "ADDRESS", "arae-book"], check=True)
    with open("arae-book/keep.txt", "w") as _keep:
        _keep.writelines(f"{name}=={version(name)}\\n" for name in ("torch", "torchvision"))
    _pip = [sys.executable, "-m", "pip", "install", "-q", "-c", "arae-book/keep.txt", "-e"]
    subprocess.run([*_pip, "arae-book"], check=True)
    sys.path.insert(0, os.path.abspath("arae-book"))
    importlib.invalidate_caches()
'''


def repository(root: Path) -> tuple[str, str]:
    """The address and the branch that `_config.yml` under `root` names.

    Raises ValueError when it names none, or one that is not of the form https://github.com/OWNER/NAME.
    """
    path = root / "_config.yml"
    entry = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("repository") or {}
    return _checked(str(entry.get("url", "")), path), str(entry.get("branch", "main"))


def badge(address: str, notebook: str, *, page: str | None = None, branch: str = "main") -> str:
    """Markdown of the badge that opens `notebook` in Colab, as it stands in `page` (default: the notebook).

    Both are paths relative to the repository's root. The badge's picture comes from the book itself, so the
    page needs no network.
    """
    image = PurePosixPath(os.path.relpath("book/_static/colab.svg", PurePosixPath(page or notebook).parent))
    target = address.replace("https://github.com/", "https://colab.research.google.com/github/")
    return f"[![Open in Colab]({image.as_posix()})]({target}/blob/{branch}/{notebook})"


def setup_cell(address: str) -> str:
    """Source of the chapters' set-up cell: nothing to do where arae_core can be imported, else fetch it."""
    return _SET_UP.replace("ADDRESS", address).rstrip("\n")


def set_address(root: Path, address: str | None = None) -> list[Path]:
    """Write `address` (default: the one it holds) into `_config.yml`, and derive all other places from it.

    Returns the files that changed; a second call changes none. Raises ValueError for an address that is not
    of the form https://github.com/OWNER/NAME, before anything is written.
    """
    config = root / "_config.yml"
    if address is not None:
        address = _checked(address, None)
    texts = derived(root, address)
    if address is not None:
        texts[config] = re.sub(r"(?m)^(repository:\n(?:[ \t].*\n)*?[ \t]+url:)[^\n]*", rf"\1 {address}",
                               config.read_text(encoding="utf-8"))
    changed = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in changed:
        _write(path, texts[path])
    return changed


def derived(root: Path, address: str | None = None) -> dict[Path, str]:
    """What each derived file ought to hold under `address` (default: the one in `_config.yml`)."""
    configured, branch = repository(root)
    address = address or configured
    citation = root / "CITATION.cff"
    former = {configured}
    former.update(re.findall(r"(?m)^repository-code: \"?([^\"\s]+)", citation.read_text(encoding="utf-8")))
    texts = {}
    pages = sorted((root / "book").glob("*.md"))
    for path in [citation, root / "README.md", root / "CONTRIBUTING.md", *pages]:
        if path.exists():
            texts[path] = _readdressed(path.read_text(encoding="utf-8"), former, address)
    for chapter in all_chapters(root).values():
        line = badge(address, chapter.path.relative_to(root).as_posix(), branch=branch)
        texts[chapter.path] = _chapter(chapter.path, line, setup_cell(address))
    return texts


def strays(root: Path, files: list[Path]) -> list[str]:
    """Lines among `files` that name this repository where nothing keeps the name up to date.

    A line names it when it holds the configured OWNER/NAME, or any other owner of a repository NAME. In
    `_config.yml` and the derived files such lines are in order as long as they agree with `_config.yml`; in a
    chapter, only its badge and its set-up cell may hold the name.
    """
    address, _ = repository(root)
    owner, name = address.rsplit("/", 2)[1:]
    mention = re.compile(rf"github(?:usercontent)?(?:\.com)?[/:]([\w.<>$-]+)/{re.escape(name)}(?![\w-])")
    expected = derived(root)
    found = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        kept = path == root / "_config.yml" or expected.get(path) == text
        if path.suffix == ".ipynb":
            kept = kept and len(mention.findall(text)) == 2
        for number, line in enumerate(text.splitlines(), start=1):
            if any(not kept or hit[1] != owner for hit in mention.finditer(line)):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()[:120]}")
    return found


def _checked(address: str, source: Path | None) -> str:
    bare = address.strip().rstrip("/").removesuffix(".git")
    if not _ADDRESS.fullmatch(bare):
        where = f"{source}: " if source else ""
        raise ValueError(f"{where}{address!r} is not an address like https://github.com/OWNER/NAME")
    return bare


def _readdressed(text: str, former: set[str], address: str) -> str:
    for old in former:
        for prefix in ("https://github.com/", "https://colab.research.google.com/github/"):
            here, new = (name.replace("https://github.com/", prefix) for name in (old, address))
            text = re.sub(rf"{re.escape(here)}(?![\w-])", new, text)
    return text


def _chapter(path: Path, badge_line: str, set_up: str) -> str:
    """The notebook's text with its badge (in the first cell, under the title) and its set-up cell."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    before = copy.deepcopy(notebook)
    title = notebook.cells[0]
    if _BADGE.search(title.source):
        title.source = _BADGE.sub(lambda _: badge_line, title.source)
    else:
        heading, _, rest = title.source.partition("\n")
        title.source = "\n\n".join(part for part in (heading, badge_line, rest.strip("\n")) if part)
    tagged = [cell for cell in notebook.cells if _SET_UP_TAG in cell.metadata.get("tags", [])]
    if not tagged:
        metadata = {"tags": [_SET_UP_TAG, "hide-cell"]}
        tagged = [nbformat.v4.new_code_cell(id=_SET_UP_TAG, metadata=metadata)]
        notebook.cells.insert(1, tagged[0])
    tagged[0].source = set_up
    return text if notebook == before else nbformat.writes(notebook).rstrip("\n") + "\n"


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    os.chmod(file.name, path.stat().st_mode & 0o777)
    os.replace(file.name, path)
