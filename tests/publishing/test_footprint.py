"""What a kernel says of itself at its end; a GPU's part is played by torch with other answers."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from arae_core.publishing import footprint


@pytest.fixture
def left(tmp_path, monkeypatch):
    """leave(), and what it wrote below the models."""
    account = tmp_path / "account"
    account.write_text('{"name": "classifier-a"}\n')
    monkeypatch.setenv("ARAE_ACCOUNT", str(account))

    def leave():
        footprint.leave()
        first, last = account.read_text().splitlines()
        assert "classifier-a" in first
        return json.loads(last)

    return leave


def test_on_a_cpu(left):
    content = left()
    assert content["machine"]["device"] == "cpu" and content["gpu_memory"] is None
    assert content["machine"]["cores"] == footprint.available_cores() and content["threads"] == torch.get_num_threads()
    assert content["versions"]["torch"] == version("torch")


def test_on_a_gpu(left, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3 * 2**29)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA A100")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation)
    content = left()
    assert content["gpu_memory"] == 1.5
    assert content["machine"] == {"device": "cuda: NVIDIA A100", "cores": footprint.available_cores(), "bf16": True}


def test_a_gpu_that_was_not_used_is_none(left, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 0)
    assert left()["machine"]["device"] == "cpu"


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_the_peak_stays_when_the_memory_is_given_back():
    program = ("from arae_core.publishing.footprint import peak_memory as peak; before = peak()\n"
               "block = bytearray(b'1') * 2**28; del block; print(peak() - before)")
    grown = float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert grown == pytest.approx(0.25, abs=0.02)


def test_where_the_system_does_not_say(left, monkeypatch):
    monkeypatch.setattr(footprint, "Path", lambda path: Path("/no/such") / path.lstrip("/"))
    monkeypatch.setattr(footprint.sys, "platform", "win32")
    assert footprint.peak_memory() is None and left()["memory"] is None
