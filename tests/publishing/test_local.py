"""How the cores and GPUs of a machine are dealt out to points."""

from __future__ import annotations

import pytest

from arae_core.publishing import local


@pytest.fixture
def machine(monkeypatch):
    """`machine(cores, gpus, **variables)`: what the machine seems to have."""

    def set_up(cores, gpus=0, **variables):
        monkeypatch.setattr(local, "available_cores", lambda: cores)
        monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
        for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_up


def dealt(points, jobs=None):
    places = local.places(points, jobs)
    return [(int(place["OMP_NUM_THREADS"]), place.get("CUDA_VISIBLE_DEVICES")) for place in places]


def test_cores_are_shared(machine):
    machine(8)
    assert dealt(3) == [(2, None)] * 3
    assert dealt(20) == [(1, None)] * 8
    assert dealt(20, jobs=2) == [(4, None)] * 2
    assert dealt(1, jobs=5) == [(8, None)]
    assert dealt(20, jobs=20) == [(1, None)] * 20


def test_a_wish_for_threads_is_kept(machine):
    machine(8, OMP_NUM_THREADS="4")
    assert dealt(20) == [(4, None)] * 2
    assert dealt(20, jobs=3) == [(4, None)] * 3
    machine(8, OMP_NUM_THREADS="many")
    assert dealt(20) == [(1, None)] * 8


def test_a_process_a_gpu(machine):
    machine(8, gpus=2)
    assert dealt(5) == [(4, "0"), (4, "1")]
    assert dealt(1) == [(8, "0")]
    assert dealt(5, jobs=3) == [(2, "0"), (2, "1"), (2, "0")]
    machine(8, gpus=2, CUDA_VISIBLE_DEVICES="3,5")
    assert dealt(5) == [(4, "3"), (4, "5")]
