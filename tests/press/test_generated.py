"""Which committed records the scorecard leaves out for the build's own."""

from types import SimpleNamespace

import pytest

from arae_book.generated import _displaces
from arae_core.results import Record


@pytest.fixture
def record():
    def make(seed, point, **parameters):
        data = SimpleNamespace(name="photos", digest="0" * 16, notes="")
        parameters = {"profile": "default", "seed": seed, "epochs": 5} | parameters
        return Record.of_run("robustness_sweep", parameters=parameters, data=data, seed=seed, started=0.0, point=point)

    return make


def test_the_same_run_at_the_same_point_and_nothing_else(record):
    own = record(0, {"eps": 0.5})
    assert _displaces(own, record(0, {"eps": 0.5}))
    assert not _displaces(own, record(0, {"eps": 1.0}))
    assert not _displaces(own, record(1, {"eps": 0.5}))
    assert not _displaces(own, record(1, {"eps": 1.0}))
    assert not _displaces(own, record(0, {}))


def test_records_of_other_parameters_go(record):
    own = record(0, {"eps": 0.5})
    assert _displaces(own, record(1, {"eps": 0.5}, epochs=9))
    assert not _displaces(own, record(1, {"eps": 1.0}, epochs=9))  # the run's own record at 1.0 sees to that one
