"""Each chapter runs outside the book, as in Colab: torch is there, the book is not, and torch stays as it is.

The repository's address is redirected (by Git's own configuration) to a local repository that holds the
checkout as it is now, uncommitted files included. The setup cell is the same in all chapters: the first one's installs
the book into the runtime, where the others find it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from arae_book.address import repository
from arae_book.chapters import all_chapters

ROOT = Path(__file__).resolve().parents[2]
PREINSTALLED = ("torch", "torchvision", "papermill", "ipykernel")


@pytest.fixture(scope="module")
def published(checkout_copy) -> Path:
    """A Git repository with one commit: the checkout's files as they are now."""
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "as it is now"]):
        subprocess.run(["git", *author, *command], cwd=checkout_copy, check=True)
    return checkout_copy


# Version and place of torch, and when its files were last written.
TORCH = "import torch, os; print(torch.__version__, torch.__file__, os.stat(torch.__file__).st_mtime_ns)"


@pytest.fixture(scope="module")
def runtime(roomy_folder, root, uv, published, clean_environ, tests_store):
    """What Colab gives: a folder, and in it `seen(code)`, what a Python that has torch says, and `run(*words)`. Compiled,
    since where Python may not write bytecode, every process would compile torch anew."""
    content, python = roomy_folder / "content", roomy_folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--seed", "--allow-existing", roomy_folder], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-c",
                    root / "constraints.txt", *PREINSTALLED], check=True)
    content.mkdir()
    environ = clean_environ | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": repository(root)[0], "ARAE_STORE": str(tests_store), "ARAE_OUT": str(content / "out")}

    def run(*words):
        return subprocess.run([python, *words], cwd=content, env=environ, capture_output=True, text=True, timeout=600)

    return SimpleNamespace(content=content, run=run, seen=lambda code: run("-c", code).stdout.strip())


@pytest.fixture(scope="module")
def torch_before(runtime):
    assert (found := runtime.seen(TORCH)) and not runtime.seen("import arae_core; print(arae_core)")
    return found


@pytest.mark.install
@pytest.mark.parametrize("chapter", all_chapters(ROOT).values(), ids=lambda chapter: chapter.name)
def test_the_chapter_runs_alone(chapter, runtime, torch_before):
    shutil.copy(chapter.path, runtime.content / f"{chapter.name}.ipynb")
    run = runtime.run("-m", "papermill", f"{chapter.name}.ipynb", "out.ipynb", "-p", "profile", "smoke", "-k", "python3")
    assert run.returncode == 0, run.stderr[-4000:]
    assert runtime.seen(TORCH) == torch_before
    assert Path(runtime.seen("import arae_core; print(arae_core.__file__)")).is_relative_to(runtime.content / "arae-book")
