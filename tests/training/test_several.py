"""Several processes train what one would, stop together, and go on from where they were."""

import json
import os
import signal
import threading
import time
from datetime import timedelta

import pytest
import torch
from filelock import FileLock

from arae_core.training import safefile, several
from arae_core.training.split import own, split
from tests.training import jobs
from tests.training.together import begin, together

ROUNDING = 1e-9  # in double precision; the weights themselves move by more than a thousandth


def furthest(a, b):
    """The largest difference between two state dicts (of lists)."""
    assert a.keys() == b.keys()
    return max(float((torch.tensor(a[name], dtype=torch.float64) - torch.tensor(b[name], dtype=torch.float64))
                     .abs().max()) for name in a)


def without_seconds(history):
    return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in history]


@pytest.mark.parametrize("job, arguments", [
    pytest.param(jobs.classifier, (), id="classifier-clip-attack"),
    pytest.param(jobs.classifier, (jobs.resnet, None, None, 0.0), id="resnet-batch-norm-no-clip"),
    pytest.param(jobs.geometry_aware, (), id="geometry-aware"),
    pytest.param(jobs.inverter, (), id="inverter-batch-norm"),
    pytest.param(jobs.inverter, (0.01, "mean", 16), id="critic-dropout-spectral-norm"),
    pytest.param(jobs.inverter, (0.0, "sum", 32), id="sums"),
])
def test_two_processes_train_what_one_does(job, arguments):
    one, two = job(*arguments), together(job, *arguments)
    assert two[0][0] == two[1][0]  # to the last bit, or they would drift apart
    for alone, shared in zip(one, two[0], strict=True):
        if isinstance(alone, dict):  # weights, and batch norm's running statistics
            assert furthest(alone, shared) < ROUNDING
        else:
            for ours, theirs in zip(without_seconds(alone), without_seconds(shared), strict=True):
                assert ours == pytest.approx(theirs, rel=1e-5)


def test_the_weights_of_these_trainings_move():
    moved, _ = jobs.classifier()
    assert furthest(moved, jobs.outcome(jobs.alexnet(), None)[0]) > 1e-3
    for name, value in jobs.classifier(jobs.resnet)[0].items():
        assert value != jobs.resnet().state_dict()[name].tolist(), name


def test_gradients_add_up_over_two_backward_passes():
    alone = jobs.gradients_of_two_passes()
    for shared in together(jobs.gradients_of_two_passes):
        for ours, theirs in zip(alone, shared, strict=True):
            assert torch.allclose(torch.tensor(ours), torch.tensor(theirs), rtol=1e-5)


def test_results_come_in_the_type_of_autocast():
    dtype, y, gradient = jobs.in_bf16()
    for their_dtype, their_y, their_gradient in together(jobs.in_bf16):
        assert their_dtype == dtype == "torch.bfloat16"
        assert torch.allclose(torch.tensor(y), torch.tensor(their_y), rtol=0.05, atol=0.3)
        ours, theirs = torch.tensor(gradient), torch.tensor(their_gradient)
        assert (ours - theirs).norm() < 0.05 * ours.norm()


@pytest.mark.parametrize("batch_size, count, such_as", [(15, 2, 14), (2, 3, 3)])
def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path, batch_size, count, such_as):
    for said in together(jobs.uneven, str(tmp_path), batch_size, count=count):
        assert said == (f"ValueError: a batch of {batch_size} images cannot be shared evenly by {count} processes: "
                        f"take a batch size that {count} divides, such as {such_as}, or another number of processes")


def test_alone_nothing_is_split(build):
    network = build()
    with split(network, None):
        assert "forward" not in vars(network) and own(15) == slice(0, 15)
    assert several.count() == 1 and several.rank() == 0 and several.agreed(True, False) == [True, False]
    assert several.from_first({"a": None}) == {"a": None}


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="process 2 .* --nproc-per-node 2"):
        several.join()


def test_one_writes_and_all_find(tmp_path):
    assert together(jobs.found_or_trained, str(tmp_path)) == [(False, True, True, True)] * 2
    assert {path.suffix for path in (tmp_path / "models").iterdir()} == {".lock", ".safetensors"}


def test_a_lock_that_another_holds_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(several, "PATIENCE", timedelta(seconds=0.3))  # a third of it between two words to the others
    said, from_first = [], several.from_first
    monkeypatch.setattr(several, "from_first", lambda value: said.append(value) or from_first(value))
    other = FileLock(tmp_path / "lock", thread_local=False)
    other.acquire()
    threading.Timer(0.5, other.release, kwargs={"force": True}).start()
    with several.locked(tmp_path / "lock"):
        assert said[-1] is True and False in said[:-1]


def test_processes_that_want_different_models_are_refused(tmp_path):
    for said in together(jobs.different_models, str(tmp_path)):
        assert said.startswith("ValueError: the processes do not want the same model")


def test_a_signal_to_one_stops_all_after_the_same_step(tmp_path):
    first, second = together(jobs.one_stops, str(tmp_path / "state"))
    assert first == second == (6, "training stopped at epoch 2, step 2; its state is saved: run it again to go on")
    progress = json.loads(safefile.load(tmp_path / "state")[1]["progress"])
    assert (progress["epoch"], progress["step"]) == (1, 2)


@pytest.mark.parametrize("before, after", [(1, 2), (2, 1), (4, 2)])
def test_another_number_of_processes_goes_on(tmp_path, before, after):
    def run(count, *arguments):
        return together(jobs.long_classifier, *arguments, count=count)[0] if count > 1 else \
            jobs.long_classifier(*arguments)

    whole, history = jobs.long_classifier(None)
    run(before, tmp_path / "state", 6)  # dies in the second epoch
    assert json.loads(safefile.load(tmp_path / "state")[1]["progress"])["epoch"] == 1
    resumed, its_history = run(after, tmp_path / "state")
    assert furthest(whole, resumed) < ROUNDING and len(its_history) == len(history) == 3


def test_a_killed_process_ends_the_others_and_a_rerun_goes_on(tmp_path):
    (first, second), queue = begin(jobs.long_training, str(tmp_path))
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("models/*.partial")):
        assert first.is_alive() and second.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(second.pid, signal.SIGKILL)
    killed = time.monotonic()
    rank, said = queue.get()
    first.join(60)
    assert rank == 0 and said.startswith("GroupBroken: process 0 of 2 lost the others")
    assert not first.is_alive() and time.monotonic() - killed < 60
    (partial,) = tmp_path.glob("models/*.partial")
    kept = json.loads(safefile.load(partial)[1]["progress"])["history"]
    again, history = together(jobs.long_training, str(tmp_path))[0]
    assert kept and history[:len(kept)] == kept and len(history) == 30  # their seconds too: they were not done again
    unbroken, _ = jobs.long_training(str(tmp_path / "other"))
    assert furthest(unbroken, again) < 2e-3  # as kept: in half precision
