"""Shards that are not what was written are refused, with the file and the command that makes them again."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from arae_core.data import MissingDataError, ShardError, load, shard_set
from arae_core.data.sharding import make_shards
from arae_core.data.shards import needed_side, shard_bytes, shard_path


@pytest.fixture
def place(tmp_path):
    """One shard of four pictures of 37 x 37, for images of 32."""
    (tmp_path / "a b/train/k").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (50, 50, 3), np.uint8)).save(tmp_path / f"a b/train/k/{index}.png")
    make_shards(tmp_path / "a b", image_size=32, out=tmp_path / "shards", jobs=1)
    return tmp_path / "shards"


def change(place, **entries):
    path = place / "train/index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_sides():
    assert [needed_side(size) for size in (224, 64, 32, 7, 1)] == [256, 74, 37, 8, 2]


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage, said", [
    (lambda path: path.unlink(), "is missing"),
    (lambda path: path.write_bytes(path.read_bytes()[:-1]), "16,555 bytes where the index says 16,556"),
    (flip_a_byte, "has changed since"),
])
def test_a_damaged_shard(place, tmp_path, damage, said):
    before = load(str(place), "train", image_size=32).batch([0, 1, 2, 3])[0]
    path = shard_path(place / "train", 0)
    damage(path)
    with pytest.raises(ShardError, match=said) as error:
        load(str(place), "train", image_size=32)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert f"arae shards '{tmp_path / 'a b'}' --image-size 32 --out {place} makes it again" in str(error.value)
    make_shards(tmp_path / "a b", image_size=32, out=place, jobs=1)
    assert (load(str(place), "train", image_size=32).batch([0, 1, 2, 3])[0] == before).all()


def test_a_copied_folder_is_read_once(place):
    path = shard_path(place / "train", 0)
    written = path.stat().st_mtime_ns
    os.utime(path, ns=(1, 1))
    assert len(shard_set(place, "train", image_size=32)) == 4 and path.stat().st_mtime_ns == written


def test_images_too_large_for_the_shards(place):
    with pytest.raises(ShardError, match="48 pixels want pictures of 55 .* hold 37; arae shards .* --image-size 48"):
        load(str(place), "train", image_size=48)
    assert len(load(str(place), "train", image_size=16)) == 4


def test_an_index_that_cannot_be_used(place):
    whole = (place / "train/index.json").read_text()
    change(place, format=0)
    with pytest.raises(ShardError, match="is of format 0, this code reads 1: delete"):
        load(str(place), "train", image_size=32)
    for text in ("", "{", "[]", "{}", '{"format": 1}', '{"format": 1, "shards": []}', '{"format": 1, "shards": 3}'):
        (place / "train/index.json").write_text(text)
        with pytest.raises(ShardError, match="index .*index.json is damaged"):
            load(str(place), "train", image_size=32)
    shard, = json.loads(whole)["shards"]
    (place / "train/index.json").write_text(whole)
    change(place, shards=[{"bytes": 16_556}])
    with pytest.raises(ShardError, match="entries of a shard are missing"):
        load(str(place), "train", image_size=32)
    for entry in ({"offsets": [0, 0, 0, 10**6]}, {"labels": [0, 0, 0, 1]}, {"widths": [37]}, {"files": []}):
        (place / "train/index.json").write_text(whole)
        change(place, shards=[shard | entry])
        with pytest.raises(ShardError, match="is damaged"):
            load(str(place), "train", image_size=32)


def test_unfinished_shards_and_other_splits(place):
    with pytest.raises(MissingDataError, match="no shards of the split 'test'"):
        load(str(place), "test", image_size=32)
    (place / "train/index.json").unlink()
    with pytest.raises(ShardError, match="not finished: .* it goes on"):
        load(str(place), "train", image_size=32)


@pytest.mark.parametrize("bad", [{"split": "val"}, {"image_size": 0}, {"image_size": True}])
def test_bad_arguments(place, bad):
    with pytest.raises(ValueError):
        shard_set(place, **({"split": "train", "image_size": 32} | bad))


def test_a_shard_is_mapped_and_not_read(place):
    path = shard_path(place / "train", 0)
    mapped = shard_bytes(str(path), path.stat().st_mtime_ns)
    assert not mapped.flags.owndata and not mapped.flags.writeable and isinstance(mapped.base, np.memmap)
    assert shard_bytes(str(path), path.stat().st_mtime_ns) is mapped
