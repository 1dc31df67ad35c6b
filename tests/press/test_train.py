"""`arae train`: the models that a chapter then finds, by its own cells, in one process or in two that torchrun starts."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
import torch

from arae_book import settings
from arae_book.chapters import Refused, all_chapters, find_chapter, find_root
from arae_book.cli import _status
from arae_book.reference import reference_runs
from arae_book.runs import RunFailed
from arae_book.train import execute, file_name, train, training_cells
from arae_core.networks import specification
from arae_core.training import Trained, distributed, trained

ROOT = find_root()
TINY = {"train_images": "256", "epochs": "1", "width": "0.125", "attack_steps": "1", "fast_methods": "[]"}
TRAINS = ("find_else_train(", "standard_and_robust(", ".pair(")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))  # where no VGG-19 is


@pytest.fixture
def asked(monkeypatch):
    """The keys of the models asked for, none of which is trained."""
    keys = []

    def untrained(model, name, train, said, title):
        keys.append(name)
        with torch.no_grad():  # as a training would have it: no two networks are alike
            next(model.parameters()).add_(int(name[-4:], 16) / 1e6)
        return Trained(model.eval(), [{"epoch": 1, "seconds": 0.0}], name, None, True, title)

    monkeypatch.setattr(trained, "_found_or_trained", untrained)
    return keys


def trained_by(chapter, profile="smoke", **given):
    """The titles of the models that the chapter's cells ask for, in order."""
    said: list[str] = []
    train(find_chapter(ROOT, chapter), settings(chapter, profile, given=given), said.append)
    assert all(line.split(": ", 1)[1].startswith("found, was trained in 0 s: ") for line in said)
    return [line.split(": ")[0] for line in said]


@pytest.mark.parametrize("chapter, given, models", [("robust_training", {}, 2 + 2), ("inversion", {}, 2 + 6 + 8 + 1),
    ("inversion", {"layers": ["conv5"], "loss_sets": ["pixel+feature"], "spectral_norm": True, "reduction": "sum",
                   "keep_best": True, "beta1": 0.0}, 2 + 2 + 1),
    ("robustness_sweep", {"radii": [0.0, 0.25, 2.0], "keep_best": True}, 3 + 3),
    ("robustness_sweep", {"network": "alexnet, kaiming start", "radii": [0.0, 1.0], "loss_set": "pixel+feature+gan",
                          "spectral_norm": True}, 2 + 2),
    ("robustness_sweep", {"network": "resnet18", "layer": "block3", "radii": [0.0], "width": 0.1}, 2),
    ("other_encoders", {"clip": 0.0, "shift": 0.0, "reduction": "sum"}, 4 + 4),
    ("unseen_resolutions", {"layers": ["conv2", "conv5"]}, 2 + 4),
    ("rivals", {}, 2 + 2 + 3 + 1), ("rivals", {"deepsim_search": [], "db_lr": 0.1}, 2 + 2 + 3), ("style_transfer", {}, 2 + 6),
    ("style_transfer", {"generator_dataset": "photos", "shallow_images": 64, "deep_images": 64}, 2 + 6),
    ("denoising", {}, 2 + 3 + 1), ("denoising", {"denoiser_data": "narrow", "kept": ["coffee"], "attempts": []}, 2 + 3),
    ("anomaly_detection", {"classes": ["coffee", "rocket"]}, 2 + 4 + 2),
    ("anomaly_detection", {"classes": [], "adgan_size": 16}, 2 + 20 + 10),
    ("anomaly_detection", {"classes": ["flower"], "anomaly_dataset": "photos"}, 2 + 2 + 1)])
def test_a_chapters_cells_ask_for_all_its_models(asked, chapter, given, models):
    titles = trained_by(chapter, **given)
    assert len(asked) == len(titles) == len({file_name(title) for title in titles}) == models
    assert len(set(asked)) == models and titles[0].startswith(("standard", "vgg16", "eps 0"))


@pytest.mark.parametrize("chapter", all_chapters(ROOT))
def test_every_cell_that_asks_for_a_model_is_tagged(chapter):
    cells = [cell for cell in nbformat.read(find_chapter(ROOT, chapter).path, 4).cells if cell.cell_type == "code"]
    asking = [cell for cell in cells if any(word in cell.source for word in TRAINS)]
    assert asking and all("trains" in cell.metadata.tags for cell in asking)
    source = training_cells(find_chapter(ROOT, chapter), settings(chapter, "smoke", seed=5))
    assert "profile = 'smoke'\nseed = 5\ngiven = {}" in source and "colab" not in source


def test_the_reference_runs_keep_models_that_there_are(asked):
    kept = [run for profile in ("default", "cifar10", "tiny-imagenet") for run in reference_runs(ROOT, profile) if run.models]
    assert {run.chapter.name for run in kept} == {"inversion", "other_encoders", "unseen_resolutions", "style_transfer",
                                                  "denoising"}
    for run in kept:
        given = {"layers": run.settings.layers} if "layers" in run.settings else {}
        assert set(run.models) <= set(trained_by(run.chapter.name, **given))


def test_a_network_of_the_chapters_own_counts_by_its_source():
    source = ("from arae_core.networks import AlexNet\nclass Own(AlexNet):\n    def __init__(self, **arguments):\n"
              "        super().__init__(**arguments)\n        self.scale = 1\nsaid = specification(Own(width=0.1))\n")
    first, again, other = (execute("from arae_core.networks import specification\n" + text, "a")["said"]
        for text in (source, "# a remark\n" + source, source.replace("scale = 1", "scale = 2")))
    assert first == again and first["source"] != other["source"] and "chapter" not in sys.modules
    assert specification is not None


def test_copies_are_named_after_what_they_are(tmp_path):
    tiny = settings("robust_training", "smoke", given={**TINY, "train_images": 64, "batch_size": 64})
    train(find_chapter(ROOT, "robust_training"), tiny, lambda line: None, tmp_path / "out")
    models = sorted((tmp_path / "store/models").glob("*.safetensors"))
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["robust.safetensors", "standard.safetensors"]
    assert sorted(p.read_bytes() for p in (tmp_path / "out").iterdir()) == sorted(p.read_bytes() for p in models)
    assert file_name("robust conv5 pixel+feature") == "robust-conv5-pixel+feature.safetensors"


def words(parameters):
    return [word for name, value in parameters.items() for word in ("-p", name, value)]


def test_two_processes_of_torchrun_train_what_one_finds(tmp_path, capsys):
    command = ["-m", "arae_book", "train", "robust_training", *words(TINY)]
    run = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
                          *command], capture_output=True, text=True, timeout=300, cwd=ROOT,
                         env={**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""})
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith(("standard", "robust"))]
    assert [line.split(" in ")[0] for line in lines] == ["standard: trained", "robust: trained"]
    assert _status(command[2:]) == 0
    again = capsys.readouterr().out.splitlines()
    assert again == [line.replace(": trained", ": found, was trained", 1) for line in lines]


@pytest.fixture
def cells(small_book):
    """`cells(*sources)`: the small book's chapter `first` with these cells, tagged `trains`."""
    def write(*sources, tags=("trains",)):
        path = small_book / "book/part/01_first.ipynb"
        notebook = nbformat.read(path, 4)
        notebook.cells = notebook.cells[:2] + [
            nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
        nbformat.write(notebook, path)
        return find_chapter(small_book, "first")

    return write


def test_only_the_tagged_cells_run_and_their_prints_are_not_said(cells, tmp_path, capsys):
    chapter = cells(f"import json, pathlib\nprint('x')\npathlib.Path({str(tmp_path / 'seen')!r}).write_text("
                    "json.dumps([profile, seed, given]))")
    train(chapter, settings("first", "smoke", seed=3, given={"eps": 2}), print)
    assert json.loads((tmp_path / "seen").read_text()) == ["smoke", 3, {"eps": 2.0}]
    assert capsys.readouterr().out == ""
    with pytest.raises(Refused, match="first has no cell tagged `trains`; there is `arae run first`"):
        train(cells("1 / 0", tags=()), settings("first"), print)


def test_a_cell_that_needs_another_says_where(cells):
    with pytest.raises(RunFailed, match="first: NameError: name 'absent' is not defined") as failed:
        train(cells("a = 1", "b = absent"), settings("first"), print)
    assert "b = absent" in failed.value.details and distributed.count() == 1


@pytest.mark.parametrize("change, code, said", [
    (("loss_sets", "[pixel+gun]"), 2, "pixel+gun"), (("layers", "[conv9]"), 2, "conv9"), (("norm", "l3"), 1, "l3"),
    (("dataset", "no-such-data"), 2, "no-such-data"), (("epocs", "3"), 2, "has no parameter 'epocs'")])
def test_what_cannot_be_trained_ends_in_one_line(asked, capsys, change, code, said):
    assert _status(["train", "inversion", "--profile", "smoke", "-p", *change]) == code
    error = capsys.readouterr().err
    assert error.startswith("arae: ") and error.count("\n") == 1 and said in error and not asked


def test_a_batch_too_large_ends_in_one_line(capsys, monkeypatch):
    from arae_core.training import classifier

    def hungry(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(classifier.Run, "epochs", hungry, raising=False)
    monkeypatch.setattr(classifier.Run, "steps", hungry, raising=False)
    assert _status(["train", "robust_training", *words(TINY)]) == 1
    assert capsys.readouterr().err == ("arae: robust_training: a batch of 128 images does not fit into the memory of "
                                       "cpu; halve it with `-p batch_size 64` (or the parameter `..._batch_size` of "
                                       "this model)\n")
