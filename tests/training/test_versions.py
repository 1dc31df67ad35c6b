"""Who changes a loop or a network decides whether its models are still the same.

Keys hold no source text, so a change of the code alone would leave old models under the keys of new ones. The table
`code_digests.json` beside this file holds a digest of each module that decides weights (comments and docstrings do not
count). When a line differs: if the same config now gives other weights, raise VERSION in the loop's module (a network's
change: in every loop that trains it); then, or if the weights are the same, accept the new digests with
`python tests/training/test_versions.py`, and commit the table with the change.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("code_digests.json")
DECIDES = ("networks/*.py", "losses/*.py", "attacks/balls.py", "attacks/pgd.py", "data/noise.py", "seeds.py",
           "training/classifier.py", "training/inverter.py", "training/run.py", "training/schedule.py",
           "training/precision.py", "training/trained.py", "training/pair.py",
           "systems/deepsim/*.py", "systems/fast_training/*.py", "systems/geometry_aware/*.py",
           "systems/denoising/training.py", "systems/denoising/haar.py", "systems/denoising/wavelet_*.py",
           "systems/anomaly/dcgan_*.py")
APART = {"__init__.py", "autoencoder.py", "pretrained.py", "vgg19.py"}  # nothing is trained by what stands there


def with_loops() -> set[Path]:
    return {path for path in (ROOT / "arae_core").rglob("*.py") if "\ndef train_" in path.read_text("utf-8")}


def code_digests() -> dict[str, str]:
    """The digest of each module that decides weights, by its path in the package."""
    from arae_book.runs import code_digest

    package = ROOT / "arae_core"
    decides = {path for pattern in DECIDES for path in package.glob(pattern) if path.name not in APART}
    return {path.relative_to(package).as_posix(): code_digest(path.read_text("utf-8"))
            for path in sorted(decides | with_loops())}


def loops() -> dict[str, int]:
    """Every module with a training loop, and its VERSION."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(with_loops())]
    return {name: import_module(name).VERSION for name in names}


def test_the_code_is_what_the_table_says():
    table, now = json.loads(TABLE.read_text("utf-8")), code_digests()
    changed = sorted(name for name in table["code"].keys() | now.keys() if table["code"].get(name) != now.get(name))
    assert not changed, f"{', '.join(changed)} changed: decide whether models stay the same, see {Path(__file__).name}"


def test_every_loop_has_a_version_that_the_table_knows():
    found = loops()
    assert found == json.loads(TABLE.read_text("utf-8"))["versions"]
    assert len(found) >= 8 and "arae_core.training.classifier" in found


@pytest.mark.parametrize("edit, counts", [("x = 1  # why\n", False), ('"""What."""\nx = 1\n', False), ("x = 2\n", True)])
def test_comments_and_docstrings_do_not_count(edit, counts):
    from arae_book.runs import code_digest

    assert (code_digest(edit) != code_digest("x = 1\n")) == counts


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TABLE.write_text(json.dumps({"versions": loops(), "code": code_digests()}, indent=1) + "\n", "utf-8")
