"""What is told of each model that a run found or trained."""

import json

import pytest
from torch import nn

from arae_core.training import account
from arae_core.training.checkpoint import find_else_train


def train(state_file):
    return [{"seconds": 30.0}, {"seconds": 20.25}]


def test_a_model_is_trained_once_and_told_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path))
    monkeypatch.setenv("ARAE_ACCOUNT", str(tmp_path / "account"))
    for _ in range(2):
        find_else_train(nn.Linear(2, 2), "classifier-tiny", train, {"config": json.dumps({"batch_size": 1})})
    first, second = map(json.loads, (tmp_path / "account").read_text().splitlines())
    assert first.keys() == {"name", "found", "trained", "spent"}
    assert [line["found"] for line in (first, second)] == [False, True]
    assert all(line["name"] == "classifier-tiny" and line["trained"] == 50.25 for line in (first, second))
    assert all(0 <= line["spent"] < 10 for line in (first, second)), "of this run, not of the history"


@pytest.mark.parametrize("path", [None, "", "no/such/folder/account"])
def test_without_an_account_nothing_fails(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARAE_ACCOUNT", raising=False)
    if path is not None:
        monkeypatch.setenv("ARAE_ACCOUNT", path)
    account.note("classifier-tiny", found=True, history=[{"loss": 1.0}], spent=0.0)
    assert list(tmp_path.iterdir()) == []
