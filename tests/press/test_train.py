"""`arae train`: the models that a chapter then finds, by one process or by two that torchrun starts."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest
import torch

from arae_book.cli import _status
from arae_core.networks.pretrained import WeightsUnavailable
from arae_core.networks import AlexNet
from arae_book.chapters import find_chapter, find_root
from arae_book.parameters import defaults, settings
from arae_book.reference_runs import reference_runs
from arae_book.train import file_name, train
from arae_core.training import (
    Trained,
    checkpoint,
    dcgan_checkpoint,
    deepsim_checkpoint,
    denoiser_checkpoint,
    recipes,
)
from arae_core.training.recipes import pictures
from arae_core.training.recipes.encoders import KaimingAlexNet

TINY = {"train_images": "256", "epochs": "1", "width": "0.125", "attack_steps": "1", "fast_methods": "[]"}


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

    for module in (checkpoint, dcgan_checkpoint, deepsim_checkpoint, denoiser_checkpoint):
        monkeypatch.setattr(module, "find_else_train", untrained)
    return keys


@pytest.fixture(autouse=True)
def no_vgg19(monkeypatch):
    """As on most machines; where its weights are, "Style transfer" trains more."""
    def unavailable(image_size):
        raise WeightsUnavailable("VGG-19 is not here", "")

    monkeypatch.setattr(pictures, "vgg19", unavailable)


TRAINING = ("import time", "device =", "data.load(", "def build", "def recipe", "conditions = {", "inverted(",
            "standard_and_robust(")  # what is in the cells that lead to a model


OWN = {  # and in those of these chapters alone
    "robust_training": ["trained_classifier("],
    "inversion": ["shown = [\n"],
    "robustness_sweep": ["trained_classifier(", "recipe = training.InverterConfig("],
    "other_encoders": ["trained_classifier(", "trained_inverter("],
    "unseen_resolutions": ["trained_inverter("],
    "rivals": ["trained_inverter(", "def features_for(", "trained_deepsim(", "rival("],
    "style_transfer": ["trained_inverter("],
    "denoising": ["def logits(", "def decoder_for(", "weights_of_loss =", "training_set(", "trained_denoiser(",
                  "denoiser(name, denoiser_train", "held_out =", "def load(", "def on_all_sets("],
    "anomaly_detection": ["normal_train =", "class_recipe =", "trained_inverter(", "dcgan_recipe =", "trained_dcgan("]}


def run_cells(chapter, values):
    """The cells of the chapter that lead to its models, without figures and evaluations."""
    names: dict = {"judge": None}  # VGG-19
    leading = (*TRAINING, *OWN.get(chapter.name, ()))
    for cell in nbformat.read(chapter.path, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "colab-setup" in tags:
            continue
        if "parameters" in tags or any(words in cell.source for words in leading):
            exec(cell.source, names)
        if "parameters" in tags:
            names.update(values)
    return names


@pytest.mark.parametrize("chapter, changes, models", [
    ("robust_training", [], 2 + 2), ("inversion", [], 2 + 6 + 8),
    ("inversion", [("layers", "[conv5]"), ("loss_sets", "[pixel+feature]"), ("spectral_norm", "true"),
                   ("reduction", "sum"), ("seed", "3"), ("keep_best", "true"), ("beta1", "0")], 2 + 2),
    ("robustness_sweep", [("radii", "[0, 0.25, 2]"), ("keep_best", "true")], 3 + 3),
    ("robustness_sweep", [("network", "alexnet, kaiming start"), ("radii", "[0, 1]"), ("loss_set", "pixel+gan"),
                          ("spectral_norm", "true")], 2 + 2),
    ("robustness_sweep", [("network", "resnet18"), ("layer", "block3"), ("radii", "[0.0]"), ("width", "0.1")], 2),
    ("other_encoders", [("clip", "0"), ("shift", "0"), ("reduction", "sum")], 4 + 4),
    ("unseen_resolutions", [("layers", "[conv2, conv5]")], 2 + 4),
    ("rivals", [], 2 + 2 + 3 + 1), ("rivals", [("deepsim_search", "[]"), ("db_lr", "0.1")], 2 + 2 + 3),
    ("style_transfer", [], 2 + 6), ("style_transfer", [("generator_dataset", "photos"), ("shallow_images", "64"),
                                                       ("deep_images", "64"), ("seed", "2")], 2 + 6),
    ("denoising", [], 2 + 3 + 1),
    ("denoising", [("denoiser_data", "narrow"), ("kept", "[coffee]"), ("attempts", "[]")], 2 + 3),
    ("anomaly_detection", [("classes", "[coffee, rocket]")], 2 + 4 + 2),
    ("anomaly_detection", [("classes", "[]"), ("adgan_size", "16")], 2 + 20 + 10),
    ("anomaly_detection", [("classes", "[flower]"), ("anomaly_dataset", "photos")], 2 + 2 + 1)])
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
    assert said[0].split(": ", 1)[1].startswith("found, was trained in 0 s")
    titles = [line.split(": ")[0] for line in said]
    assert len({file_name(title) for title in titles}) == models


def test_the_reference_runs_keep_models_that_there_are(asked):
    for run in reference_runs(find_root(), "cifar10"):
        if run.models:
            said: list[str] = []
            train(run.chapter, settings(run.chapter, "smoke"), said.append)
            assert set(run.models) <= {line.split(": ")[0] for line in said}


def test_kaimings_start_is_the_chapters():
    source = next(cell.source for cell in nbformat.read(find_chapter(find_root(), "robustness_sweep").path, 4).cells
                  if "class KaimingAlexNet" in cell.source)
    exec(source, its := {"AlexNet": AlexNet, "ResNet18": None, "torch": torch})
    starts = []
    for kind in (its["KaimingAlexNet"], KaimingAlexNet, AlexNet):
        torch.manual_seed(0)
        starts.append(kind(image_size=32, num_classes=3, width=0.125).state_dict()["stages.conv1.0.weight"])
    assert torch.equal(starts[0], starts[1]) and not torch.equal(starts[0], starts[2])


def test_copies_are_named_after_what_they_are(tmp_path):
    chapter = find_chapter(find_root(), "robust_training")
    tiny = settings(chapter, "smoke", [*TINY.items(), ("train_images", "64"), ("batch_size", "64")])
    train(chapter, tiny, lambda line: None, tmp_path / "out")
    models = sorted((tmp_path / "store/models").glob("*.safetensors"))
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["robust.safetensors", "standard.safetensors"]
    assert sorted(p.read_bytes() for p in (tmp_path / "out").iterdir()) == sorted(p.read_bytes() for p in models)


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


def test_other_chapters_are_refused_by_name(capsys, monkeypatch):
    monkeypatch.delitem(recipes.CHAPTERS, "rivals")
    assert _status(["train", "rivals"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("arae: there is no training 'rivals' without its notebook, only robust_training, inversion, ")
    assert error.endswith("; for the others there is `arae run rivals`\n")
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
