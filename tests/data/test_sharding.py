"""Shards are made once: stopped runs go on, finished ones do nothing, and nothing is overwritten."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from arae_core.cli import _status
from arae_core.data import MissingDataError, ShardError, UnreadableImageError, available, sharding
from arae_core.data.pictures import open_rgb
from arae_core.data.sharding import make_shards
from arae_core.data.shards import HEADER, holds_shards, shard_path


@pytest.fixture
def pictures(tmp_path):
    """11 pictures of 30 x 20 in two classes, three to a shard at 16 pixels (their shorter side becomes 19)."""
    for index in range(11):
        folder = tmp_path / "pictures/train" / "ab"[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 20), (20 * index, 0, 200)).save(folder / f"{index:02}.png")
    return tmp_path / "pictures"


@pytest.fixture
def opened(monkeypatch):
    """Names of the files that were decoded; `stop` after that many."""
    seen = SimpleNamespace(names=[], stop=None)

    def counted(path):
        if len(seen.names) == seen.stop:
            raise KeyboardInterrupt
        seen.names.append(path.name)
        return open_rgb(path)

    monkeypatch.setattr(sharding, "SHARD_BYTES", 3 * 6 * 19**2)
    monkeypatch.setattr(sharding, "open_rgb", counted)
    return seen


def contents(folder):
    return {path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_what_a_shard_holds(pictures, tmp_path, opened):
    line, = make_shards(pictures, image_size=16, jobs=1)
    out = tmp_path / "pictures-shards-16"
    assert "11 pictures decoded" in line and "4 shards" in line and str(out) in line
    index = json.loads((out / "train/index.json").read_text())
    assert [len(shard["files"]) for shard in index["shards"]] == [3, 3, 3, 2]
    assert {(height, width) for shard in index["shards"]
            for height, width in zip(shard["heights"], shard["widths"], strict=True)} == {(19, 28)}
    for number, shard in enumerate(index["shards"]):
        stored = np.load(shard_path(out / "train", number))
        assert stored.dtype == np.uint8 and len(stored) == len(shard["files"]) * 19 * 28 * 3
        assert shard["bytes"] == shard_path(out / "train", number).stat().st_size == HEADER + len(stored)
        for name, label, offset in zip(shard["files"], shard["labels"], shard["offsets"], strict=True):
            colour = 20 * int(name[2:4]), 0, 200
            assert (stored[offset:offset + 3 * 19 * 28].reshape(19, 28, 3) == colour).all()
            assert index["classes"][label] == name[0]
    assert {path.name for path in (out / "train").iterdir()} == {
        "index.json", *(f"shard-0000{number}.npy" for number in range(4))}


def test_a_finished_run_does_nothing(pictures, tmp_path, opened):
    out = tmp_path / "out"
    make_shards(pictures, image_size=16, out=out, jobs=1)
    before = contents(out)
    opened.names.clear()
    assert "nothing to do" in make_shards(pictures, image_size=16, out=out, jobs=1)[0]
    assert opened.names == [] and contents(out) == before


def test_a_run_that_was_stopped_goes_on(pictures, tmp_path, opened):
    out, whole = tmp_path / "out", tmp_path / "whole"
    make_shards(pictures, image_size=16, out=whole, jobs=1)
    opened.names.clear()
    opened.stop = 7    # two shards, and one picture of the third
    with pytest.raises(KeyboardInterrupt):
        make_shards(pictures, image_size=16, out=out, jobs=1)
    assert not (out / "train/index.json").exists() and holds_shards(out)
    (out / "train/shard-00002.part").write_bytes(b"what a killed process leaves")
    (out / "train/shard-00003.json").write_text("")
    finished = shard_path(out / "train", 0).stat().st_mtime_ns
    opened.names.clear()
    opened.stop = None
    make_shards(pictures, image_size=16, out=out, jobs=2)
    assert len(opened.names) == 5 and shard_path(out / "train", 0).stat().st_mtime_ns == finished
    assert [path.name for path in sorted((out / "train").iterdir())] == [
        path.name for path in sorted((whole / "train").iterdir())]
    for number in range(4):
        assert shard_path(out / "train", number).read_bytes() == shard_path(whole / "train", number).read_bytes()


def test_a_lost_shard_alone_is_made_again(pictures, tmp_path, opened):
    out = tmp_path / "out"
    make_shards(pictures, image_size=16, out=out, jobs=1)
    before = shard_path(out / "train", 1).read_bytes()
    shard_path(out / "train", 1).unlink()
    opened.names.clear()
    make_shards(pictures, image_size=16, out=out, jobs=1)
    assert len(opened.names) == 3 and shard_path(out / "train", 1).read_bytes() == before
    assert "nothing to do" in make_shards(pictures, image_size=16, out=out, jobs=1)[0]


def test_unreadable_files_are_named(odd_folder, tmp_path):
    lines = make_shards(odd_folder, image_size=96, out=tmp_path / "out", jobs=2)
    assert len(lines) == 2 and "8 pictures" in lines[0] and "4 unreadable left out, such as cannot read" in lines[0]
    index = json.loads((tmp_path / "out/train/index.json").read_text())
    assert set(index["shards"][0]["skipped"]) == {"a/truncated.jpg", "b/empty.png", "b/huge.ppm", "b/text.jpg"}
    assert make_shards(odd_folder, image_size=96, out=tmp_path / "out")[0].count("4 unreadable") == 1


def test_nothing_is_mixed_or_overwritten(pictures, tmp_path, opened):
    out = tmp_path / "out"
    make_shards(pictures, image_size=16, out=out, jobs=1)
    before = contents(out)
    with pytest.raises(ShardError, match="image_size was 16, is 24.*another --out"):
        make_shards(pictures, image_size=24, out=out)
    Image.new("RGB", (30, 20)).save(pictures / "train/a/new.png")
    with pytest.raises(ShardError, match="made from something else"):
        make_shards(pictures, image_size=16, out=out)
    assert contents(out) == before
    with pytest.raises(ShardError, match="something else than shards"):
        make_shards(pictures, image_size=16, out=pictures)
    with pytest.raises(ShardError, match="holds shards already"):
        make_shards(out, image_size=16)
    (tmp_path / "file").touch()
    with pytest.raises(ShardError, match="is a file"):
        make_shards(pictures, image_size=16, out=tmp_path / "file")


def test_one_run_at_a_time(pictures, tmp_path):
    (tmp_path / "out").mkdir()
    with sharding.FileLock(tmp_path / "out/.lock"):
        with pytest.raises(ShardError, match="another arae shards is writing"):
            make_shards(pictures, image_size=16, out=tmp_path / "out")


def test_room_is_counted_first(pictures, tmp_path, opened, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=17_555))
    with pytest.raises(ShardError, match="need about 0.0 MB and 0.0 MB are free"):    # 11 * 19 * 28 * 3 = 17,556
        make_shards(pictures, image_size=16, out=tmp_path / "out")
    assert not (tmp_path / "out").exists() and opened.names == []
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=17_556))
    make_shards(pictures, image_size=16, out=tmp_path / "out")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=0))
    make_shards(pictures, image_size=16, out=tmp_path / "out")    # nothing left to write


def test_no_room_on_the_way(pictures, tmp_path, opened, monkeypatch):
    real, calls = sharding.os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) == 3:    # a shard, the notes on it, the next shard
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(sharding.os, "fsync", full)
    with pytest.raises(ShardError, match="no space left at .*finished shards are kept"):
        make_shards(pictures, image_size=16, out=tmp_path / "out", jobs=1)
    assert [path.name for path in (tmp_path / "out/train").glob("shard*.*")
            if path.suffix != ".json"] == ["shard-00000.npy"]
    opened.names.clear()
    make_shards(pictures, image_size=16, out=tmp_path / "out", jobs=1)
    assert len(opened.names) == 8


def test_without_an_image(tmp_path):
    with pytest.raises(MissingDataError, match="not here"):
        make_shards(tmp_path / "none", image_size=16)
    with pytest.raises(MissingDataError, match="no folder train"):
        make_shards(tmp_path, image_size=16)
    (tmp_path / "a/train/k").mkdir(parents=True)
    with pytest.raises(MissingDataError, match="holds no image"):
        make_shards(tmp_path / "a", image_size=16)
    (tmp_path / "a/train/k/x.jpg").write_text("no")
    with pytest.raises(UnreadableImageError, match="not one image.*x.jpg"):
        make_shards(tmp_path / "a", image_size=16, out=tmp_path / "out")
    assert not (tmp_path / "out/train/index.json").exists()


def test_the_command(pictures, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    (tmp_path / "imagenet").symlink_to(pictures)
    assert _status(["shards", "imagenet", "--image-size", "16", "--out", str(tmp_path / "out"), "--jobs", "1"]) == 0
    assert "11 pictures decoded" in capsys.readouterr().out
    index = json.loads((tmp_path / "out/train/index.json").read_text())
    assert index["name"] == "imagenet" and index["notes"] == "2 of 1000 classes"
    (tmp_path / "imagenet").unlink()
    (tmp_path / "imagenet").symlink_to(tmp_path / "out")
    assert available()["imagenet"] == str(tmp_path / "imagenet")
    for arguments in (["nowhere"], [str(tmp_path / "out")], [str(pictures), "--image-size", "0"]):
        assert _status(["shards", *arguments]) == 2
        said = capsys.readouterr().err
        assert said.startswith("arae: ") and said.count("\n") == 1
