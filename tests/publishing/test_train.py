"""`arae train`: the models that a chapter then finds, by one process or by two that torchrun starts."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest
import torch

from arae_core.cli import _status
from arae_core.publishing.chapters import find_chapter, find_root
from arae_core.publishing.parameters import defaults, settings
from arae_core.publishing.train import train
from arae_core.training import Trained, checkpoint

TINY = {"train_images": "256", "epochs": "1", "width": "0.125", "attack_steps": "1"}


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))


@pytest.fixture
def asked(monkeypatch):
    """The keys of the models asked for, none of which is trained."""
    keys = []

    def untrained(model, name, train, card):
        keys.append(name)
        return Trained(model.eval(), [{"epoch": 1, "seconds": 0.0}], name, None, found=True)

    monkeypatch.setattr(checkpoint, "find_else_train", untrained)
    return keys


TRAINING = ("import time", "device =", "data.load(", "shown = [\n", "def build", "def recipe", "conditions = {", "inverted(",
            "standard_and_robust(")  # what is in the cells that lead to a model


def run_cells(chapter, values):
    """The cells of the chapter that lead to its models, without figures and evaluations."""
    names: dict = {}
    for cell in nbformat.read(chapter.path, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "colab-setup" in tags:
            continue
        if "parameters" in tags or any(words in cell.source for words in TRAINING):
            exec(cell.source, names)
        if "parameters" in tags:
            names.update(values)


@pytest.mark.parametrize("chapter, changes, models", [
    ("robust_training", [], 2), ("inversion", [], 2 + 6 + 8),
    ("inversion", [("layers", "[conv5]"), ("loss_sets", "[pixel+feature]"), ("spectral_norm", "true"),
                   ("reduction", "sum"), ("seed", "3"), ("keep_best", "true"), ("beta1", "0")], 2 + 2)])
def test_the_notebook_asks_for_the_same_models(asked, chapter, changes, models):
    found = find_chapter(find_root(), chapter)
    values = settings(found, "smoke", changes)
    assert set(values) <= set(defaults(found))
    said: list[str] = []
    train(found, values, said.append)
    by_command = sorted(asked)
    asked.clear()
    run_cells(found, values)
    assert sorted(asked) == by_command and len(by_command) == len(said) == models
    assert said[0].startswith("standard: found, was trained in 0 s")


def given(parameters):
    return [word for name, value in parameters.items() for word in ("-p", name, value)]


def test_two_processes_of_torchrun_train_what_one_finds(tmp_path, capsys):
    command = ["-m", "arae_core", "train", "robust_training", *given(TINY)]
    run = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
                          *command], capture_output=True, text=True, timeout=300,
                         env={**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""})
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split(" in ")[0] for line in lines] == ["standard: trained", "robust: trained"]
    assert _status(command[2:]) == 0
    again = capsys.readouterr().out.splitlines()
    assert again == [line.replace(": trained", ": found, was trained", 1) for line in lines]


def test_other_chapters_are_refused_by_name(capsys):
    assert _status(["train", "rivals"]) == 2
    assert capsys.readouterr().err == ("arae: there is no training 'rivals' without its notebook, only robust_training "
                                       "and inversion; for the others there is `arae run rivals`\n")
    assert _status(["train", "inversion", "-p", "epocs", "3"]) == 2
    assert "has no parameter 'epocs'" in capsys.readouterr().err


@pytest.mark.parametrize("change, said", [
    (("loss_sets", "[pixel+gan]"), "loss_sets knows pixel, pixel+feature, pixel+feature+gan, not pixel+gan"),
    (("layers", "[conv9]"), "AlexNet has no layer 'conv9'; its layers are conv1"),
    (("norm", "l3"), "l3"), (("dataset", "no-such-data"), "no-such-data")])
def test_what_cannot_be_trained_ends_in_one_line(asked, capsys, change, said):
    assert _status(["train", "inversion", "--profile", "smoke", "-p", *change]) == 1
    error = capsys.readouterr().err
    assert error.startswith("arae: inversion: ") and error.count("\n") == 1 and said in error


def test_a_batch_too_large_ends_in_one_line(capsys, monkeypatch):
    def hungry(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(checkpoint, "train_classifier", hungry)
    monkeypatch.setattr(checkpoint, "CLASSIFIER_CODE", ())  # the key asks for the loop's source
    assert _status(["train", "robust_training", *given(TINY)]) == 1
    assert capsys.readouterr().err == ("arae: robust_training: a batch of 128 images does not fit into the memory of "
                                       "cpu; halve it with `-p batch_size 64` (or the parameter `..._batch_size` of "
                                       "this model)\n")
