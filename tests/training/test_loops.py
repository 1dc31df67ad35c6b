"""An attack of radius 0 changes nothing; a run that was stopped by a signal goes on as if it had not been."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from arae_core.training import Attack, ClassifierConfig, classifier, train_classifier
from tests.tiny import built
from tests.training.interrupted import same


def test_robust_and_standard_differ_only_by_the_attack(tiny, build):
    """With eps = 0 adversarial training is standard training, bit for bit."""
    standard, robust = built(build), built(build)
    for model, attack in ((standard, None), (robust, Attack("l2", 0.0, 2, 0.1))):
        train_classifier(model, tiny, ClassifierConfig(epochs=1, batch_size=16, attack=attack), seed=0)
    assert same(standard, robust)


def test_an_attack_that_warms_up_grows_by_the_step_and_then_stays(tiny, build, monkeypatch):
    met, attack, perturb = [], Attack("l2", 0.5, 2, 0.4, warmup=0.5), classifier.perturb
    monkeypatch.setattr(classifier, "perturb", lambda f, x, y, now: met.append(now) or perturb(f, x, y, now))
    train_classifier(built(build), tiny, ClassifierConfig(epochs=2, batch_size=16, attack=attack), seed=0)
    half = len(met) // 2
    assert [now.eps for now in met] == pytest.approx([0.5 * min(1, step / half) for step in range(2 * half)])
    assert [now.step_size for now in met] == pytest.approx([0.8 * now.eps for now in met]) and met[half] is attack
    pytest.raises(ValueError, Attack, "l2", 0.5, 2, 0.4, warmup=1.0).match("share of the training")


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
            config = ClassifierConfig(epochs=8, batch_size=32, lr=0.05, augment="crop+flip",
                                      attack=Attack("l2", 0.5, 2, 0.4))
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
