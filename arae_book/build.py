"""`arae book` and `arae refresh`: execute what changed, then build the site, or store the outputs in `book/`.

Jupyter Book reads the stage: the book's sources with the executed chapters and the generated pages, and the package's
source, which pages and chapters show. Sphinx reads what changed, all after a failure, and writes every page, since others
would keep old titles in their navigation; but if nothing but the package's source changed, only the pages that show
it. The site then replaces the former one in one move.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat

from arae_core.store import available_cores, write_whole

from .chapters import DEFAULT, Chapter, Refused, chapters_in_order
from .generated import generated
from .profiles import Settings, settings
from .runs import COLOURS, RunFailed, alone, installed, is_current, modules, run

Files = dict[str, bytes]  # contents by path under a folder
_BUILDERS = "jupyter-book sphinx myst-nb sphinx-book-theme sphinxcontrib-bibtex sphinx-design".split()
_TOLD = re.compile(r"^(reading sources|writing output).*%|^build (succeeded|finished)")
_SITE = "_build/html"  # jupyter-book adds these two itself
_TOGETHER = 2  # chapters that run at a time
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}


def book(root: Path, profile: str) -> Path:
    """Build the book at `profile` and return the path of its index.html.

    Refused: a profile that a chapter lacks, a missing Jupyter Book. RunFailed: a chapter or the site fails.
    """
    require_jupyter_book()
    with building(root) as build:
        pages = execute_changed(chapters_in_order(root), profile, build)
        sync(build / "records" / profile, {path.name: path.read_bytes() for path in records_of(pages)})
        wanted = staged(root, pages)
        sync(build / "stage", wanted)
        pages_alone = {name: content for name, content in wanted.items() if name[:10] != "arae_core/"}
        return site(build, *(digest_of(files, installed(_BUILDERS)) for files in (wanted, pages_alone)))


def refresh(root: Path) -> list[Path]:
    """Store the chapters as executed at default, and the generated pages, in `book/`; return the files that changed.

    nbval compares with these outputs, and they are what a code host shows. Nothing is stored unless every chapter ran;
    each file is whole or as it was. Raises as `book`.
    """
    with building(root) as build:
        chapters = chapters_in_order(root)
        pages = execute_changed(chapters, DEFAULT, build)
        new = {chapter.path: published(pages[chapter.name]).encode() for chapter in chapters}
        new |= {root / name: text.encode() for name, text in generated(root, records_of(pages)).items()}
        changed = [path for path in new if not path.is_file() or path.read_bytes() != new[path]]
        return [write_whole(path, new[path]) for path in changed]


@contextmanager
def building(root: Path) -> Iterator[Path]:
    """The folder `_build`, for this process alone. Raises Refused while another build holds it."""
    build = root / "_build"
    build.mkdir(exist_ok=True)
    with alone(build / ".lock", f"build is at work in {build}: wait for it"):
        yield build


def require_jupyter_book() -> None:
    """Refused unless Jupyter Book 1.x is installed (2 ignores `_config.yml` and `_toc.yml`)."""
    found = installed(["jupyter-book"]).get("jupyter-book", "none")
    if not found.startswith("1."):
        raise Refused(f"this book needs Jupyter Book 1, and here is {found}: pip install -e '.[book]'")


def staged(root: Path, pages: Mapping[str, Path]) -> Files:
    """The stage: `_config.yml`, `_toc.yml`, `book/` with each chapter as executed in `pages`, `arae_core/**/*.py`."""
    wanted = {name: (root / name).read_bytes() for name in ("_config.yml", "_toc.yml")}
    for path in [*(root / "book").rglob("*"), *(root / "arae_core").rglob("*.py")]:
        inside = path.relative_to(root)
        if path.is_file() and not any(part in _LEFT_OUT or part.startswith(".") for part in inside.parts):
            wanted[inside.as_posix()] = path.read_bytes()
    code = digest_of({}, modules())  # API pages show what modules import, too: any change counts but comments
    wanted |= {name: wanted[name] + f"\n% {code}\n".encode() for name in wanted if name[:9] == "book/api/"}
    for chapter in chapters_in_order(root):
        wanted[chapter.path.relative_to(root).as_posix()] = published(pages[chapter.name]).encode()
    return wanted | {name: text.encode() for name, text in generated(root, records_of(pages)).items()}


def sync(target: Path, wanted: Files) -> None:
    """Make the folder hold exactly these files; those that are the same already are not touched."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(target.rglob("*"), reverse=True):  # what a folder holds comes before the folder
        if not path.is_dir() and path.relative_to(target).as_posix() not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, content in wanted.items():
        path = target / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def digest_of(wanted: Files, versions: Mapping[str, str]) -> str:
    """SHA-256 of the files' names and contents, and of the versions of what is to read them."""
    contents = {name: hashlib.sha256(content).hexdigest() for name, content in wanted.items()}
    return hashlib.sha256(json.dumps([versions, contents], sort_keys=True).encode()).hexdigest()


def site(build: Path, stage: str, pages: str) -> Path:
    """The site of `build/stage`: the one that is there if it is of these digests and untouched, else a new one.

    stage, pages: digests of the stage with and without the package's source.
    """
    html, former, scratch, note = (build / name for name in ("html", "html.former", "site", "site.json"))
    made = json.loads(note.read_text()) if note.is_file() else {}
    if made == (now := {"stage": stage, "pages": pages, "files": _files(html)}):
        print("site: nothing changed")
        return html / "index.html"
    if not made:  # the last build failed or was killed
        shutil.rmtree(scratch, ignore_errors=True)
    note.unlink(missing_ok=True)
    if made | {"stage": stage} == now:
        shutil.copytree(html, scratch / _SITE)  # with their times, by which Sphinx sees which pages are old
    new = _built(build / "stage", scratch)
    shutil.rmtree(former, ignore_errors=True)
    if html.exists():
        os.replace(html, former)
    os.replace(new, html)
    shutil.rmtree(former, ignore_errors=True)
    note.write_text(json.dumps(now | {"files": _files(html)}))
    return html / "index.html"


def _built(stage: Path, scratch: Path) -> Path:
    """Build the stage under `scratch`, and return the folder with its index.html."""
    command = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    options = ["build", "-W", "-n", "--keep-going", str(stage), "--path-output", str(scratch)]
    words = [sys.executable, "-u", "-c", command, *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8", errors="replace") as builder:
        try:
            for line in builder.stdout or ():  # warnings go to stderr, and so straight to the reader
                if _TOLD.search(plain := COLOURS.sub("", line)):
                    print(f"site: {plain.strip()}", flush=True)
        except BaseException:
            builder.kill()
            raise
    if builder.returncode:
        raise RunFailed(f"the site was not built (a warning is an error): see above, and {stage}")
    new = scratch / _SITE
    if not (new / "index.html").is_file():
        raise RunFailed(f"Jupyter Book ended without an error, but wrote no {new / 'index.html'}")
    return new


def _files(html: Path) -> str:
    """Of a site's names, sizes and times: a plain `jupyter-book build .` writes to the same place."""
    files = [(path, path.stat()) for path in sorted(html.rglob("*")) if path.is_file()]
    lines = [f"{path.relative_to(html)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def execute_changed(chapters: Iterable[Chapter], profile: str, build: Path) -> dict[str, Path]:
    """The executed notebook of each chapter: the one under `_build/pages/<profile>/<chapter>/`, if that folder is still
    current (see `runs`), or else a new one. Two run at a time, and share the cores: small networks leave many idle.

    All settings are checked before the first chapter runs (Refused). A chapter that fails does not keep the others from
    running; then RunFailed names those that did.
    """
    chosen = {chapter: settings(chapter.name, profile, root=chapter.root) for chapter in chapters}
    over, together = threading.Event(), min(_TOGETHER, cores := available_cores())
    share = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(cores // together))}

    def page(number: int, chapter: Chapter, at: Settings) -> RunFailed | None:
        title = f"chapter {number}/{len(chosen)} {chapter.name} ({profile})"
        folder = pages[chapter.name].parent
        if is_current(folder, chapter, at):
            print(f"{title}: nothing changed")
            return None
        try:
            run(chapter, at, folder, title=title, own=True, variables=share, stopped=over.is_set)
            if not is_current(folder, chapter, at):
                raise RunFailed(f"{chapter.name}: what it is made from changed while it ran; build again")
        except RunFailed as failure:
            print(f"{title}: failed\n{failure.details}".rstrip())
            return failure
        return None

    pages = {each.name: build / "pages" / profile / each.name / f"{each.name}.ipynb" for each in chosen}
    with ThreadPoolExecutor(together) as pool:
        try:
            failures = [*filter(None, pool.map(page, range(1, len(chosen) + 1), chosen, chosen.values()))]
        except BaseException:  # Ctrl-C too: the other kernel is interrupted and saves
            over.set()
            pool.shutdown(cancel_futures=True)
            raise
    if failures:
        raise RunFailed("\narae: ".join(map(str, failures)))
    return pages


def records_of(pages: Mapping[str, Path]) -> list[Path]:
    """The records that lie beside the executed notebooks."""
    return [record for page in pages.values() for record in sorted((page.parent / "records").glob("*.json"))]


def published(page: Path) -> str:
    """An executed notebook's text for the site and for `book/`: outputs and widgets, but no timings or paths."""
    notebook = nbformat.read(page, as_version=4)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        for volatile in ("papermill", "execution", "execution_info"):
            cell.metadata.pop(volatile, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill gives each cell an empty list
    return nbformat.writes(notebook) + "\n"
