"""Each chapter runs alone, as in Colab: torch is there, the book is not, and torch stays as it is.

The repository's address is redirected (by Git's own configuration) to a local repository that holds the
checkout as it is now, uncommitted files included.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from arae_book import settings
from arae_book.address import repository
from arae_book.chapters import all_chapters

ROOT = Path(__file__).resolve().parents[2]
# Enough to have every cell run; what `smoke` itself gives is tested elsewhere.
LITTLE = {"train_images": 1000}
PREINSTALLED = ("torch", "torchvision", "papermill", "ipykernel")


@pytest.fixture(scope="module")
def published(checkout_copy) -> Path:
    """A Git repository with one commit: the checkout's files as they are now."""
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "as it is now"]):
        subprocess.run(["git", *author, *command], cwd=checkout_copy, check=True)
    return checkout_copy


@pytest.fixture(scope="module")
def runtime(root, uv):
    """The packages of an environment with what a runtime of Colab holds, for others to look into. Compiled once: where
    Python may not write bytecode, every process would compile torch anew."""
    (root / "_build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / "_build", prefix="runtime-", ignore_cleanup_errors=True) as folder:
        subprocess.run([uv, "venv", "--quiet", "--seed", folder], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", f"{folder}/bin/python", "-c",
                        root / "constraints.txt", *PREINSTALLED], check=True)
        yield next(Path(folder).glob("lib/python*/site-packages"))


# Version and place of torch, and when its files were last written.
TORCH = "import torch, os; print(torch.__version__, torch.__file__, os.stat(torch.__file__).st_mtime_ns)"


@pytest.mark.install
@pytest.mark.parametrize("chapter", all_chapters(ROOT).values(), ids=lambda chapter: chapter.name)
def test_the_chapter_runs_alone(chapter, root, uv, runtime, roomy_folder, clean_environ, published, tmp_path):
    environment, python = roomy_folder / "environment", roomy_folder / "environment" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--seed", environment], check=True)
    next(environment.glob("lib/python*/site-packages")).joinpath("runtime.pth").write_text(f"{runtime}\n")
    shutil.copy(chapter.path, tmp_path / "chapter.ipynb")

    def seen(code):
        command = [python, "-c", code]
        return subprocess.check_output(command, cwd=tmp_path, env=clean_environ, text=True).strip()

    before = seen(TORCH)
    redirected = clean_environ | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": repository(root)[0], "ARAE_OUT": str(tmp_path / "out")}

    given = {name: value for name, value in LITTLE.items() if name in settings(chapter.name, "smoke")}
    papermill = [python, "-m", "papermill", "chapter.ipynb", "out.ipynb", "-p", "profile", "smoke", "-k", "python3",
                 "-y", f"given: {given}"]
    run = subprocess.run(papermill, cwd=tmp_path, env=redirected, capture_output=True, text=True, timeout=600)

    assert run.returncode == 0, run.stderr[-4000:]
    assert seen(TORCH) == before
    assert Path(seen("import arae_core; print(arae_core.__file__)")).is_relative_to(tmp_path / "arae-book")
