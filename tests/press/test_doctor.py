"""`arae doctor` says what is here, and is not put off by what is not."""

from __future__ import annotations

import platform

import arae_core.data
from arae_book.cli import _status


def test_doctor_reports(small_book, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    assert _status(["doctor"]) == 0
    said = capsys.readouterr().out
    for expected in [platform.python_version(), "torch ", "CUDA", "cores", "memory", "data photos", "data cifar10",
                     "LPIPS trunk", f"{tmp_path / 'store'} (does not exist yet)", str(small_book),
                     "profiles default, smoke", "models", "0 here", "Jupyter Book"]:
        assert expected in said


def test_doctor_goes_on_where_something_is_broken(capsys, monkeypatch):
    def broken():
        raise OSError("disk on fire")

    monkeypatch.setattr(arae_core.data, "available", broken)
    assert _status(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "not to be found out: OSError: disk on fire" in said and "LPIPS trunk" in said
