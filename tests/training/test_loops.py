"""The two loops: they learn, they resume bit for bit, they stop cleanly."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from arae_core.losses import InversionWeights
from arae_core.networks import FeatureDiscriminator, mirror
from arae_core.training import Attack, ClassifierConfig, InverterConfig, train_classifier, train_inverter
from arae_core.training.run import TrainingDiverged
from tests.tiny import built
from tests.training.interrupted import Killed, KilledAt, same

ROBUST = ClassifierConfig(epochs=4, batch_size=16, lr=0.05, attack=Attack("l2", 0.5, 2, 0.4, random_start=True))
PIXEL = InversionWeights(1.0, 0.0, 0.0, "mean")


def test_classifier_learns(tiny, build):
    model = built(build)
    history = train_classifier(model, tiny, ClassifierConfig(epochs=25, batch_size=16, lr=0.05), seed=0)
    x, y = tiny.batch(torch.arange(96))
    assert (model(x).argmax(1) == y).float().mean() > 0.9
    assert history[-1]["loss"] < 0.5 * history[0]["loss"] and len(history) == 25 and not model.training


def test_robust_and_standard_differ_only_by_the_attack(tiny, build):
    """With eps = 0 adversarial training is standard training, bit for bit."""
    a, b = built(build), built(build)
    for model, attack in ((a, None), (b, Attack("l2", 0.0, 2, 0.1))):
        config = ClassifierConfig(epochs=1, batch_size=16, lr=0.05, attack=attack)
        train_classifier(model, tiny, config, seed=0)
    assert same(a, b)


@pytest.mark.parametrize("died_at", [0, 5, 6, 13])
def test_killed_classifier_resumes_bit_identically(tiny, build, tmp_path, died_at):
    whole, broken = built(build), built(build)
    train_classifier(whole, tiny, ROBUST, seed=3)
    with pytest.raises(Killed):
        train_classifier(broken, KilledAt(tiny, died_at), ROBUST, seed=3, state_file=tmp_path / "state")
    # a fresh process starts from other weights: all must come from the file, if there was a first save
    again = built(build, seed=0 if died_at < 6 else 99)
    history = train_classifier(again, tiny, ROBUST, seed=3, state_file=tmp_path / "state")
    assert same(whole, again) and [h["epoch"] for h in history] == [1, 2, 3, 4]


@pytest.mark.parametrize("adversarial", [0.0, 0.01])
def test_killed_inverter_resumes_bit_identically(tiny, build, tmp_path, adversarial):
    encoder = built(build).eval()
    config = InverterConfig(epochs=3, batch_size=16, weights=InversionWeights(1.0, 0.1, adversarial, "mean"))

    def trained(data, seed=0, state_file=None):
        torch.manual_seed(seed)
        discriminator = FeatureDiscriminator(encoder.feature_shape("conv5"), image_size=32) if adversarial else None
        generator = mirror(encoder, "conv5")
        train_inverter(generator, data, config, encoder=encoder, seed=1, discriminator=discriminator,
                       state_file=state_file)
        return generator

    whole = trained(tiny)
    pytest.raises(Killed, trained, KilledAt(tiny, 9), state_file=tmp_path / "s")
    assert same(whole, trained(tiny, 99, tmp_path / "s"))


def test_inverter_learns_and_leaves_the_encoder_alone(tiny, build):
    encoder = built(build).train()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    generator = mirror(encoder, "conv2")
    config = InverterConfig(layer="conv2", epochs=12, batch_size=16, weights=PIXEL)
    history = train_inverter(generator, tiny, config, encoder=encoder, seed=0)
    assert history[-1]["pixel"] < 0.5 * history[0]["pixel"] and "feature" not in history[0]
    assert all(torch.equal(before[k], v) for k, v in encoder.state_dict().items()) and encoder.training
    assert all(p.requires_grad and p.grad is None for p in encoder.parameters())
    config = InverterConfig(weights=InversionWeights(1, 0, 1, "mean"))
    with pytest.raises(ValueError, match="discriminator"):  # its weight needs one
        train_inverter(generator, tiny, config, encoder=encoder, seed=0)


def test_divergence_stops_and_keeps_the_last_good_state(tiny, build, tmp_path):
    model, config = built(build), ClassifierConfig(epochs=1, batch_size=16, lr=0.01, schedule="constant")
    train_classifier(model, tiny, config, seed=0, state_file=tmp_path / "state")
    good = (tmp_path / "state").read_bytes()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="step 0 of epoch 1"):
        train_classifier(model, tiny, config, seed=0, state_file=None)
    assert (tmp_path / "state").read_bytes() == good


PRELUDE = textwrap.dedent("""
    import torch
    from pathlib import Path
    from arae_core.data import ImageSet
    from arae_core.networks import AlexNet
    from arae_core.training import Attack, ClassifierConfig, files, find_else_train, train_classifier
    torch.set_num_threads(1)
    pixels = torch.randint(0, 255, (512, 3, 32, 32), generator=torch.Generator().manual_seed(0)).byte()
    data = ImageSet("d", pixels, torch.arange(512) % 4, tuple("abcd"))
    build = lambda: AlexNet(image_size=32, num_classes=4, width=0.125)
    print("ready", flush=True)
""")


def started(script, **variables):
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(script)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "TQDM_DISABLE": "1", **variables})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_and_exits_non_zero(tmp_path, number):
    """A real process, a real signal: the state is saved, the last line says so, the exit is not 0."""
    process = started(f"""
        train_classifier(build(), data, ClassifierConfig(epochs=100000, batch_size=16, lr=1e-3), seed=0,
                         state_file=Path({str(tmp_path / 'state')!r}))
    """)
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 60
    while not (tmp_path / "state").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0 and "its state is saved" in err.strip().splitlines()[-1]


def test_sigkill_then_again_gives_the_same_weights(tmp_path):
    """The real thing: kill -9 at some step of some epoch, the same command again, the weights of an unbroken run."""
    def start(store):
        return started("""
            config = ClassifierConfig(epochs=8, batch_size=32, lr=0.05, attack=Attack("l2", 0.5, 2, 0.4))
            trained = find_else_train(build, train_classifier, data, config, seed=0)
            print(files.digest(trained.model.state_dict()))
        """, ARAE_STORE=str(store))

    unbroken = start(tmp_path / "a").communicate(timeout=120)[0].split()[-1]
    process = start(tmp_path / "b")
    while not list((tmp_path / "b").glob("models/*.partial")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert list((tmp_path / "b").glob("models/*.partial"))
    again = start(tmp_path / "b").communicate(timeout=120)[0].split()[-1]
    assert again == unbroken and not list((tmp_path / "b").glob("models/*.partial"))
