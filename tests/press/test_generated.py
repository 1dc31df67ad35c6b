"""Pages drawn from records, and which committed ones the scorecard leaves out for the build's own."""

from types import SimpleNamespace

import pytest

from arae_book.cli import _status
from arae_book.generated import _displaces, generated, in_order
from arae_book.runs import RunFailed
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


def test_a_record_that_lacks_a_parameter_counts_as_made_at_the_default(record):
    own = record(0, {"eps": 0.5}, network="alexnet")
    assert not _displaces(own, record(1, {"eps": 0.5}))
    assert _displaces(record(0, {"eps": 0.5}, network="resnet18"), record(1, {"eps": 0.5}))


def test_profiles_stand_from_small_to_large():
    assert in_order(["paper", "kaiming", "default", "smoke", "cifar10"]) == ["smoke", "default", "cifar10", "paper", "kaiming"]


def test_how_long_the_committed_runs_took(small_book):
    for seed, seconds, point in ((0, 75.4, {}), (1, 3661.0, {}), (2, 9999.0, {"eps": 1.0})):
        data = {"name": "none", "digest": "", "notes": ""}
        Record("first", "smoke", data, seed, {"seed": seed}, seconds, "cpu: 2 cores, bf16", {}, None, None, "",
               point=point).write(small_book / "book/reference/smoke/records")
    lines = generated(small_book, [])["book/_generated/costs.md"].splitlines()
    assert lines[0] == "| chapter | profile | machine | longest | shortest | runs |"
    assert lines[2:4] == ["| first | `smoke` | cpu: 2 cores, bf16 | 1:01:01 | 0:01:15 | 2 |", ""]


def test_a_broken_record_or_model_is_named(small_book):
    folder = small_book / "book/reference/smoke"
    (folder / "models").mkdir(parents=True)
    (folder / "models/half.safetensors").write_bytes(b"half")
    with pytest.raises(RunFailed, match="half.safetensors"):
        generated(small_book, [])
    (folder / "models/half.safetensors").unlink()
    (folder / "records").mkdir()
    (folder / "records/half.json").write_text("{")
    with pytest.raises(RunFailed, match="half.json is no whole JSON file"):
        generated(small_book, [])


def test_the_list_of_models_is_what_their_files_say(root, small_book, capsys, monkeypatch):
    assert _status(["models"]) == 0
    assert capsys.readouterr().out == "There are no models.\n"
    assert generated(small_book, [])["book/_generated/models.md"] == "There are no models.\n"
    monkeypatch.setenv("ARAE_BOOK", str(root))
    assert _status(["models"]) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head.split("|")[1].strip() == "model"
    assert len(lines) == len([*root.glob("book/reference/*/models/*.safetensors")]) == 27
    encoder = next(line for line in lines if line.startswith("| cifar10/robust-encoder"))
    for said in ("AlexNet(", "width=0.5", "cifar10 (JPEG copies)", "l2, 0.5", "2.22 MB"):
        assert said in encoder
    assert lines == generated(root, [])["book/_generated/models.md"].splitlines()[2:]
