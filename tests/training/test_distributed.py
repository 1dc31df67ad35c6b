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

    models = {"classifier": f, "plain": inverter(lambda: DeepSimGenerator(shape, 32, 0.1), 1.0, 0.0, 0.0),
           "game": inverter(lambda: mirror(f.model, "conv5"), 1.0, 0.1, 0.003,
                            lambda: FeatureDiscriminator(shape, image_size=32))}
    models["deepsim"] = find_else_train(
        lambda: DeepSimGenerator(shape, 32, 0.1), train_deepsim, data,
        DeepSimConfig(epochs=1, batch_size=16, precision="fp32", weights=DeepSimWeights(1.0, 0.1, 0.01)), seed=0, device=device,
        encoder=f.model, build_discriminator=lambda: DeepSimDiscriminator(shape, 32, 0.1))
    for name, trained in models.items():
        said = json.dumps({"rank": distributed.rank(), "name": name, "path": str(trained.path), "found": trained.found,
                           "digest": files.digest(trained.model.state_dict()), "loss": trained.history[-1]["loss"]})
        sys.stdout.write(said + "\\n")  # in one piece: print writes the line's end apart, after another process's line
        sys.stdout.flush()
    distributed.leave()
""")


def lines(command, store, script, root):
    done = subprocess.run([sys.executable, *command, str(script)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "ARAE_STORE": str(store), "TQDM_DISABLE": "1", "PYTHONPATH": str(root)})
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, root):
    """Of each model: what one process says of it, and what each of two says."""
    folder = tmp_path_factory.mktemp("distributed")
    script = folder / "job.py"
    script.write_text(SCRIPT)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    alone, both = lines([], folder / "one", script, root), lines(torchrun, folder / "two", script, root)
    return {entry["name"]: (entry, *[two for two in both if two["name"] == entry["name"]]) for entry in alone}


@pytest.mark.parametrize("name, rel", zip(("classifier", "plain", "game", "deepsim"), (1e-5, 1e-5, 0.1, 0.1)))
def test_two_processes_hold_the_same_weights_and_learn_what_one_learns(runs, name, rel):
    alone, ours, other = runs[name]
    assert {ours["rank"], other["rank"]} == {0, 1}
    assert ours["digest"] == other["digest"] and ours["path"] == other["path"]
    assert ours["loss"] == pytest.approx(alone["loss"], rel=rel)
    if rel == 1e-5:
        assert ours["path"].split("/")[-1] == alone["path"].split("/")[-1]  # the same key: the same model
        one, two = (files.load(entry["path"])[0] for entry in (alone, ours))
        for key in one:  # kept in half precision: its last digit may turn
            torch.testing.assert_close(two[key].float(), one[key].float(), rtol=2e-3, atol=1e-5)


def test_a_batch_that_cannot_be_shared_is_refused_and_alone_nothing_is_wrapped(monkeypatch):
    network = torch.nn.Linear(2, 2)
    assert distributed.learner(network) is network and distributed.count() == 1 and distributed.rank() == 0
    assert distributed.any_of(True) and not distributed.any_of(False) and distributed.from_first("x") == "x"
    monkeypatch.setattr(distributed, "count", lambda: 2)
    monkeypatch.setattr(distributed, "_fabric", object())
    with pytest.raises(ValueError, match="2 processes cannot share a batch of 3 evenly"):
        distributed.rows(torch.zeros(3))
