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
def published(root, tmp_path_factory) -> Path:
    """A Git repository with one commit: the checkout's files as they are now."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a git checkout: its files cannot be listed")
    folder = tmp_path_factory.mktemp("published")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, check=True,
                            capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "as it is now"]):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)
    return folder


def torch_seen(python: Path, environ: dict[str, str]) -> str:
    """Version and place of torch, and when its files were last written."""
    look = "import torch, os; print(torch.__version__, torch.__file__, os.stat(torch.__file__).st_mtime_ns)"
    return output([python, "-c", look], environ)


def output(command: list, environ: dict[str, str], folder: Path | None = None) -> str:
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


@pytest.mark.install
@pytest.mark.parametrize("chapter", all_chapters(ROOT).values(), ids=lambda chapter: chapter.name)
def test_the_chapter_runs_alone(chapter, root, uv, roomy_folder, clean_environ, published, tmp_path):
    environment, python = roomy_folder / "environment", roomy_folder / "environment" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--seed", environment], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-c", root / "constraints.txt",
                    *PREINSTALLED], check=True)
    shutil.copy(chapter.path, tmp_path / "chapter.ipynb")
    before = torch_seen(python, clean_environ)
    redirected = clean_environ | {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": repository(root)[0], "ARAE_OUT": str(tmp_path / "out")}

    papermill = [python, "-m", "papermill", "chapter.ipynb", "out.ipynb", "-p", "profile", "smoke", "-k", "python3"]
    run = subprocess.run(papermill, cwd=tmp_path, env=redirected, capture_output=True, text=True, timeout=600)

    assert run.returncode == 0, run.stderr[-4000:]
    assert torch_seen(python, clean_environ) == before
    where = [python, "-c", "import arae_core; print(arae_core.__file__)"]
    assert Path(output(where, clean_environ, tmp_path).strip()).is_relative_to(tmp_path / "arae-book")
