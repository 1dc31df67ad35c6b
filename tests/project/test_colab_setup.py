"""Each chapter runs alone, as in Colab: torch is there, the book is not, and torch stays as it is.

The repository's address is redirected (by Git's own configuration) to a local repository that holds the
checkout as it is now, uncommitted files included.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

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


@pytest.mark.install
@pytest.mark.parametrize("chapter", all_chapters(ROOT).values(), ids=lambda chapter: chapter.name)
def test_the_chapter_runs_alone(chapter, root, uv, roomy_folder, clean_environ, published, tmp_path):
    environment, python = roomy_folder / "environment", roomy_folder / "environment" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--seed", environment], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-c", root / "constraints.txt",
                    *PREINSTALLED], check=True)
    shutil.copy(chapter.path, tmp_path / "chapter.ipynb")

    def seen(code):
        command = [python, "-c", code]
        return subprocess.check_output(command, cwd=tmp_path, env=clean_environ, text=True).strip()

    before = seen(TORCH)
    redirected = clean_environ | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": repository(root)[0], "ARAE_OUT": str(tmp_path / "out")}

    papermill = [python, "-m", "papermill", "chapter.ipynb", "out.ipynb", "-p", "profile", "smoke", "-k", "python3"]
    run = subprocess.run(papermill, cwd=tmp_path, env=redirected, capture_output=True, text=True, timeout=600)

    assert run.returncode == 0, run.stderr[-4000:]
    assert seen(TORCH) == before
    assert Path(seen("import arae_core; print(arae_core.__file__)")).is_relative_to(tmp_path / "arae-book")
