"""A chapter made from the template in a copy of the checkout: what CONTRIBUTING says it takes, run and built.

Its loop is the inverter's under another name, as a stand-in for a method of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest

EXPORTS = '''
"""An echo: features drawn back by a loop that is the inverter's."""

from arae_core.systems.echo.training import EchoConfig, train_echo

__all__ = ["EchoConfig", "train_echo"]
'''
TEST = '''
from arae_core.data import photos
from arae_core.losses import InversionWeights
from arae_core.networks import AlexNet, mirror
from arae_core.systems.echo import EchoConfig, train_echo


def test_the_loss_falls():
    f, images = AlexNet(image_size=32, num_classes=10, width=0.1), photos("train", count=200, image_size=32)
    config = EchoConfig("conv2", InversionWeights(1.0, 0.0, 0.0, "mean"), epochs=4)
    history = train_echo(mirror(f, "conv2"), images, config, encoder=f, seed=0)
    assert history[-1]["loss"] < history[0]["loss"]
'''
API = '''
## Echo

Chapter [](../{part}/{number}_echo.ipynb).

```{{eval-rst}}
.. automodule:: arae_core.systems.echo
   :members:
```
'''
CLAIM = """
- id: echo-psnr
  source: A, nowhere
  chapter: echo
  text: Robust features are drawn back better.
  comparison: psnr/robust > psnr/standard
"""
BLOCK = """
echo:
  test_images: 1000
  layer: conv5
  generator_epochs: 4
  generator_batch_size: 64
  generator_lr: 0.002
"""
PART, NUMBER = "robust_features", "10"
TINY = {"train_images": 200, "width": 0.1, "epochs": 1, "attack_steps": 1}
# In the copy: run the chapter at `smoke`, smaller still, then build the book with it; of the others the texts alone,
# which is where links lead.
PRESS = f"""
from pathlib import Path
import nbformat
from arae_book import address, build, runs, settings
from arae_book.chapters import all_chapters
root = Path.cwd()
address.set_address(root)
chapters = all_chapters(root)
page = runs.run(chapters["echo"], settings("echo", "smoke", given={TINY!r}), root / "_build" / "echo")
chapters["echo"].path.write_text(build.published(page))
stored = {{"echo": page}}
for name, chapter in chapters.items():
    if name != "echo":
        notebook = nbformat.read(chapter.path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
        stored[name] = root / "_build" / name / f"{{name}}.ipynb"
        stored[name].parent.mkdir(parents=True)
        nbformat.write(notebook, stored[name])
with build.building(root) as folder:
    build.sync(folder / "stage", build.staged(root, stored))
    print(build.site(folder, "with the new", "chapter"))
"""


@pytest.fixture(scope="module")
def contents(checkout_copy):
    """The copy's files before anything is added."""
    return {path: path.read_bytes() for path in checkout_copy.rglob("*") if path.is_file()}


def within(copy, *command):
    """What a command says that is run in the copy, on its own packages."""
    variables = {**os.environ, "PYTHONPATH": str(copy), "ARAE_BOOK": str(copy), "OMP_NUM_THREADS": "1",
                 "ARAE_STORE": str(copy.parent / "store")}
    done = subprocess.run([sys.executable, *command], cwd=copy, env=variables, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def chapter(checkout_copy, contents):
    """The chapter "echo", written as CONTRIBUTING says."""
    copy, path = checkout_copy, f"book/{PART}/{NUMBER}_echo"
    notebook = nbformat.read(copy / "book" / "template" / "chapter.ipynb", as_version=4)
    for cell in notebook.cells:
        for old, new in {'"template"': '"echo"', "training/inverter.py": "systems/echo/training.py",
                ":pyobject: train_inverter": ":pyobject: train_echo", "training.train_inverter": "train_echo",
                "training.InverterConfig(": "EchoConfig(", "# Title": "# Echo",
                "Autoencoder, mirror": "Autoencoder, mirror\nfrom arae_core.systems.echo import EchoConfig, train_echo",
                "../robust_features/": ""}.items():
            cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, copy / f"{path}.ipynb")

    def add(name, text, before=None):
        file = copy / name
        file.parent.mkdir(parents=True, exist_ok=True)
        head, _, tail = file.read_text().partition(before) if before else (file.read_text() if file.exists() else "", 0, "")
        file.write_text(head + text + (before or "") + tail)

    add("_toc.yml", f"      - file: {path}\n", before=f"      - file: book/{PART}/three_tasks\n")
    add("book/index.md", f"[]({PART}/{NUMBER}_echo.ipynb)\n: Features drawn back.\n\n", before="[](scorecard.md)")
    add("README.md", f"| [Echo]({path}.ipynb) | features drawn back | |\n", before="\n## Results")
    add("book/profiles/default.yaml", BLOCK)
    add("book/profiles/smoke.yaml", "\necho: {test_images: 100, generator_epochs: 1}\n")
    add("book/profiles/cifar10.yaml", "\necho: {}\n")
    add("book/claims.yaml", CLAIM)
    add("book/api/systems.md", API.format(part=PART, number=NUMBER))
    add("arae_core/systems/echo/__init__.py", EXPORTS.lstrip())
    loop = (copy / "arae_core" / "training" / "inverter.py").read_text()
    loop = loop.replace("train_inverter", "train_echo").replace("InverterConfig", "EchoConfig")
    add("arae_core/systems/echo/training.py", loop)
    add("arae_core/systems/echo/README.md", "# Echo\n\nA stand-in.\n")
    add("tests/systems/echo/test_training.py", TEST.lstrip())
    within(copy, "tests/training/test_versions.py")
    return copy / f"{path}.ipynb"


@pytest.fixture(scope="module")
def built(checkout_copy, chapter):
    """The folder of the book's pages with the new chapter in it."""
    within(checkout_copy, "-c", PRESS)
    return checkout_copy / "_build" / "html"


def test_it_is_on_the_pages_with_its_loop_its_numbers_and_its_claim(built):
    page = (built / "book" / PART / f"{NUMBER}_echo.html").read_text()
    assert "train_echo" in page and "literalinclude" not in page and "PSNR" in page
    assert 'alt="Five test images' in page and 'alt="Open in Colab"' in page
    assert "train_echo" in (built / "book" / "api" / "systems.html").read_text()
    assert "Robust features are drawn back better" in (built / "book" / "scorecard.html").read_text()
    assert f"{NUMBER}_echo.html" in (built / "book" / "index.html").read_text()


def test_it_holds_what_every_chapter_must(checkout_copy, built):
    tests = "tests/chapters/test_notebooks.py", "tests/systems/echo", "tests/training/test_versions.py"
    said = within(checkout_copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "echo or table")
    assert "passed" in said
    assert "systems/echo/training.py" in (checkout_copy / "tests/training/code_digests.json").read_text()


def test_it_takes_at_most_fifteen_files(checkout_copy, contents, built):
    copy = checkout_copy
    kept = {path for path in copy.rglob("*") if path.is_file() and "_build" not in path.relative_to(copy).parts
            and "__pycache__" not in path.parts and path.name[0] != "."}
    touched = {path.relative_to(copy).as_posix() for path in kept if contents.get(path) != path.read_bytes()}
    assert f"book/{PART}/{NUMBER}_echo.ipynb" in touched and len(touched) <= 15, sorted(touched)
