"""Two real processes under torchrun: one model, that of a single process to rounding.

Exact (1e-5 in float32) where the loss is a mean over images: the classifier with PGD and clipping, a generator without
batch norm on pixels. With batch norm or dropout a process has its own rows' statistics and masks on a CPU; there the two
must still hold the same weights, and learn.
"""

import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from arae_core.training import distributed, files

SCRIPT = textwrap.dedent("""
    import json, sys, torch
    from arae_core.data import ImageSet
    from arae_core.losses import InversionWeights
    from arae_core.networks import AlexNet, FeatureDiscriminator, mirror
    from arae_core.systems.deepsim import DeepSimConfig, DeepSimDiscriminator, DeepSimGenerator, DeepSimWeights, train_deepsim
    from arae_core.training import (Attack, ClassifierConfig, InverterConfig, distributed, files, find_else_train,
                                    train_classifier, train_inverter)

    torch.set_num_threads(1)
    device = distributed.join()
    g = torch.Generator().manual_seed(0)
    data = ImageSet("d", torch.randint(0, 255, (64, 3, 32, 32), generator=g).byte(), torch.arange(64) % 4, tuple("abcd"))
    robust = ClassifierConfig(epochs=2, batch_size=16, lr=0.02, precision="fp32", attack=Attack("l2", 0.5, 2, 0.4))
    f = find_else_train(lambda: AlexNet(image_size=32, num_classes=4, width=0.125), train_classifier, data, robust, seed=0,
                        device=device)
    shape = f.model.feature_shape("conv5")

    def inverter(build, pixel, feature, adversarial, critic=None):
        recipe = InverterConfig(epochs=2, batch_size=16, lr=1e-3, precision="fp32",
                                weights=InversionWeights(pixel, feature, adversarial, "mean"))
        return find_else_train(build, train_inverter, data, recipe, seed=0, device=device, encoder=f.model,
                               build_discriminator=critic)

    its = {"classifier": f, "plain": inverter(lambda: DeepSimGenerator(shape, 32, 0.1), 1.0, 0.0, 0.0),
           "game": inverter(lambda: mirror(f.model, "conv5"), 1.0, 0.1, 0.003,
                            lambda: FeatureDiscriminator(shape, image_size=32))}
    its["deepsim"] = find_else_train(
        lambda: DeepSimGenerator(shape, 32, 0.1), train_deepsim, data,
        DeepSimConfig(epochs=1, batch_size=16, precision="fp32", weights=DeepSimWeights(1.0, 0.1, 0.01)), seed=0, device=device,
        encoder=f.model, build_discriminator=lambda: DeepSimDiscriminator(shape, 32, 0.1))
    for name, trained in its.items():
        print(json.dumps({"rank": distributed.rank(), "name": name, "path": str(trained.path), "found": trained.found,
                          "digest": files.digest(trained.model.state_dict()), "loss": trained.history[-1]["loss"]}), flush=True)
    distributed.leave()
""")


def lines(command, store, script, **variables):
    done = subprocess.run([sys.executable, *command, str(script)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "ARAE_STORE": str(store), "TQDM_DISABLE": "1", **variables})
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distributed")
    script = folder / "job.py"
    script.write_text(SCRIPT)
    root = {"PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))}
    alone = lines([], folder / "one", script, **root)
    both = lines(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"], folder / "two", script, **root)
    return {entry["name"]: entry for entry in alone}, both


def test_both_processes_hold_the_same_weights(runs):
    _, both = runs
    for name in ("classifier", "plain", "game", "deepsim"):
        found = [entry for entry in both if entry["name"] == name]
        assert sorted(entry["rank"] for entry in found) == [0, 1]
        assert len({entry["digest"] for entry in found}) == len({entry["path"] for entry in found}) == 1


@pytest.mark.parametrize("name", ["classifier", "plain"])
def test_two_processes_train_what_one_trains(runs, name):
    alone, both = runs
    ours = next(entry for entry in both if entry["name"] == name)
    assert ours["loss"] == pytest.approx(alone[name]["loss"], rel=1e-5)
    one, two = (files.load(entry["path"])[0] for entry in (alone[name], ours))
    assert ours["path"].split("/")[-1] == alone[name]["path"].split("/")[-1]  # the same key: the same model
    for key in one:  # kept in half precision: its last digit may turn
        torch.testing.assert_close(two[key].float(), one[key].float(), rtol=2e-3, atol=1e-5)


def test_with_statistics_of_their_own_rows_they_learn_alike(runs):
    alone, both = runs
    for name in ("game", "deepsim"):
        ours = next(entry for entry in both if entry["name"] == name)
        assert ours["loss"] == pytest.approx(alone[name]["loss"], rel=0.1)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "count", lambda: 2)
    monkeypatch.setattr(distributed, "_fabric", object())
    with pytest.raises(ValueError, match="2 processes cannot share a batch of 3 evenly"):
        distributed.rows(torch.zeros(3))


def test_alone_nothing_is_wrapped():
    network = torch.nn.Linear(2, 2)
    assert distributed.learner(network) is network and distributed.count() == 1 and distributed.rank() == 0
    assert distributed.any_of(True) and not distributed.any_of(False) and distributed.from_first("x") == "x"
