"""`arae book`: execute what changed, stage the book with the executed chapters, let Jupyter Book build it.

The site is always built as a whole (some seconds): Sphinx, when it reads changed pages only, keeps old titles
in the navigation of the others and forgets the warnings of pages it does not read again. It then replaces
the former site in one move, so that a failed build leaves that one alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import filelock

from .chapters import Refused, chapters_in_order
from .execute import COLOURS, RunFailed
from .pages import execute_changed, installed, records_of
from .stage import digest_of, staged, sync

_BUILDERS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "sphinxcontrib-bibtex", "sphinx-design")
_TOLD = re.compile(r"^(reading sources|writing output).*%|^build (succeeded|finished)")


def book(root: Path, profile: str) -> Path:
    """Build the book at `profile` and return the path of its index.html, `_build/html/index.html`.

    Raises Refused for a profile that a chapter lacks and for a missing Jupyter Book, RunFailed when a chapter
    or the site fails.
    """
    require_jupyter_book()
    with building(root) as build:
        pages = execute_changed(chapters_in_order(root), profile, build)
        sync(build / "records" / profile, {path.name: path for path in records_of(pages)})
        wanted = staged(root, pages)
        sync(build / "stage", wanted)
        return site(build, digest_of(wanted, installed(_BUILDERS)))


@contextmanager
def building(root: Path) -> Iterator[Path]:
    """The folder `_build`, for this process alone. Raises Refused while another build holds it."""
    build = root / "_build"
    try:
        build.mkdir(exist_ok=True)
        with filelock.FileLock(build / ".lock", timeout=0):
            yield build
    except filelock.Timeout as error:
        raise Refused(f"another build is at work in {build}: wait for it") from error


def require_jupyter_book() -> None:
    """Refused unless Jupyter Book 1.x is installed (2 ignores `_config.yml` and `_toc.yml`)."""
    try:
        found = version("jupyter-book")
    except PackageNotFoundError as error:
        raise Refused("Jupyter Book is not installed: pip install -e '.[book]'") from error
    if not found.startswith("1."):
        raise Refused(f"Jupyter Book {found} cannot build this book: pip install 'jupyter-book>=1.0.4,<2'")


def site(build: Path, stage_digest: str) -> Path:
    """The site of `build/stage`: the one that is there if it is of this digest and untouched, else a new one."""
    html, note = build / "html", build / "site.json"
    if html.is_dir() and _read(note) == {"stage": stage_digest, "files": _traces(html)}:
        print("site: nothing changed")
        return html / "index.html"
    scratch, former = build / "site", build / "html.former"
    shutil.rmtree(scratch, ignore_errors=True)
    new = _built(build / "stage", scratch)
    shutil.rmtree(former, ignore_errors=True)
    if html.exists():
        os.replace(html, former)
    os.replace(new, html)
    shutil.rmtree(former, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)
    note.write_text(json.dumps({"stage": stage_digest, "files": _traces(html)}))
    return html / "index.html"


def _built(stage: Path, scratch: Path) -> Path:
    """Build the stage under `scratch`, and return the folder with its index.html."""
    command = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    options = ["build", "-W", "-n", "--keep-going", str(stage), "--path-output", str(scratch)]
    with subprocess.Popen([sys.executable, "-u", "-c", command, *options], stdout=subprocess.PIPE,
                          encoding="utf-8", errors="replace") as builder:
        try:
            for line in builder.stdout:  # warnings go to stderr, and so straight to the reader
                if _TOLD.search(plain := COLOURS.sub("", line)):
                    print(f"site: {plain.strip()}", flush=True)
        except BaseException:
            builder.kill()
            raise
    if builder.returncode:
        raise RunFailed(f"the site was not built (a warning is an error): see above; what was read is {stage}")
    new = scratch / "_build" / "html"  # jupyter-book adds these two itself
    if not (new / "index.html").is_file():
        raise RunFailed(f"Jupyter Book ended without an error, but wrote no {new / 'index.html'}")
    return new


def _traces(folder: Path) -> str:
    """Names, sizes and times of the files of a site: a plain `jupyter-book build .` writes to the same place."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    lines = [f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(note: Path) -> dict[str, str] | None:
    try:
        return json.loads(note.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
