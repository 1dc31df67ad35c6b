"""Files are written whole or not at all; cores are those that the process may use."""

import os

import pytest

from arae_core.store import available_cores, out_dir, write_whole


def test_written_whole_into_folders_that_are_made(tmp_path):
    path = write_whole(tmp_path / "a" / "b" / "c.json", b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["c.json"]
    assert path.stat().st_mode & 0o044 == 0o044


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "c.json", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"c\.json could not be written: No space left") as error:
        write_whole(path, b"new")
    assert str(path) in str(error.value) and path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["c.json"]
    with pytest.raises(OSError, match="could not be written"):  # nor can a folder be made where a file lies
        write_whole(path / "d.json", b"new")


def test_out_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path))
    monkeypatch.delenv("ARAE_OUT", raising=False)
    assert out_dir("inversion") == tmp_path / "runs" / "inversion"
    monkeypatch.setenv("ARAE_OUT", str(tmp_path / "here"))
    assert out_dir("inversion") == tmp_path / "here"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_cores_are_those_that_the_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, [min(allowed)])
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert available_cores() == len(allowed)
