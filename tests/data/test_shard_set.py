"""Passes over shards are FolderSet's passes, whoever reads and how many do."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import FolderSet, ShardSet, UnreadableImageError, image_folder, load, shard_set
from arae_core.data.listing import list_images
from arae_core.data.shard_set import _ShardReader
from arae_core.data.sharding import make_shards


def gather(batches):
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))


@pytest.fixture
def folder(odd_folder) -> FolderSet:
    """12 files of up to 60 x 40 pixels, 4 of them unreadable: none is scaled for images of 96."""
    return image_folder(odd_folder, "train", image_size=96, workers=0)


@pytest.fixture
def place(odd_folder, tmp_path):
    make_shards(odd_folder, image_size=96, out=tmp_path / "shards", jobs=1)
    return tmp_path / "shards"


@pytest.fixture
def data(place) -> ShardSet:
    return shard_set(place, "train", image_size=96, workers=0)


@pytest.mark.parametrize("augment", ["none", "center", "paper"])
@pytest.mark.parametrize("drop_last", [False, True])
def test_small_pictures_give_the_pixels_of_a_folder_set(folder, data, augment, drop_last):
    x, y = gather(data.batches(5, seed=3, augment=augment, drop_last=drop_last))
    wanted, labels = gather(folder.batches(5, seed=3, augment=augment, drop_last=drop_last))
    assert torch.equal(x, wanted) and torch.equal(y, labels) and x.dtype == torch.float32
    if not drop_last:
        assert len(x) == 8 and data.skipped == folder.skipped and len(data.skipped) == 4


def test_shapes_far_from_square(tmp_path):
    """Taller and wider than what is cut, larger and smaller: 37 pixels are what images of 32 want."""
    (tmp_path / "a/train/k").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index, shape in enumerate([(97, 31), (110, 37), (300, 33), (31, 97), (36, 36), (1, 500), (500, 1)]):
        Image.fromarray(rng.integers(0, 256, (*shape, 3), np.uint8)).save(tmp_path / f"a/train/k/{index}.png")
    make_shards(tmp_path / "a", image_size=32, out=tmp_path / "b", jobs=1)
    found = list_images(tmp_path / "a", "train")
    folder = FolderSet("a", found.folder, found.files, torch.from_numpy(found.labels), found.classes, 32, "0",
                       workers=0)
    data = shard_set(tmp_path / "b", "train", image_size=32, workers=0)
    for augment in ("none", "center", "paper"):
        assert torch.equal(gather(data.batches(7, seed=1, augment=augment))[0],
                           gather(folder.batches(7, seed=1, augment=augment))[0])


def test_a_crop_reads_its_rows_alone(data):
    class Watched(np.ndarray):
        def __getitem__(self, where):
            rows.append(where[0].indices(len(self))[:2])
            return np.asarray(self)[where]

    rows = []
    reader = _ShardReader(data)
    for index in range(50):
        reader._paper(np.zeros((200, 100, 3), np.uint8).view(Watched), index)
    assert len(rows) == 50 and sum(stop - start for start, stop in rows) < 50 * 120    # the largest crop has 133


def test_large_pictures_are_scaled_once_and_stay_alike(tmp_path):
    """A smooth picture of 400 x 300: less than a level on average between once scaled and twice."""
    (tmp_path / "a/train/k").mkdir(parents=True)
    rows, columns = np.mgrid[0:300, 0:400]
    picture = np.stack([127 + 100 * np.sin(rows / 40), 127 + 100 * np.cos(columns / 60), rows / 2], 2)
    Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "a/train/k/x.png")
    make_shards(tmp_path / "a", image_size=96, out=tmp_path / "b", jobs=1)
    data = shard_set(tmp_path / "b", "train", image_size=96)
    assert data.places[:, 2:].tolist() == [[110, 147]]    # 96 * 8/7, and the sides' ratio
    folder = image_folder(tmp_path / "a", "train", image_size=96, workers=0)
    for augment in ("none", "center"):
        x, wanted = (next(iter(each.batches(1, augment=augment)))[0] for each in (data, folder))
        assert (x - wanted).abs().mean() < 1 / 255


def test_workers_change_nothing_and_stay(place, data):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    shared = shard_set(place, "train", image_size=96, workers=2)
    for seed, augment in [(3, "paper"), (4, "paper"), (None, "none")]:
        x, y = gather(data.batches(3, seed=seed, augment=augment))
        x2, y2 = gather(shared.batches(3, seed=seed, augment=augment))
        assert torch.equal(x, x2) and torch.equal(y, y2)
    assert torch.equal(state, torch.get_rng_state())    # nobody else's random numbers are touched
    started = [worker.pid for worker in shared._idle[0]._iterator._workers]
    next(shared.batches(2, seed=0))    # left off after one batch: nothing of it turns up in the next pass
    assert torch.equal(gather(shared.batches(3))[0], gather(data.batches(3))[0])
    assert [worker.pid for worker in shared._idle[0]._iterator._workers] == started


def test_on_a_gpu_batches_wait_in_pinned_memory(place):
    loader = shard_set(place, "train", image_size=96, workers=2).to("cuda")._loader()
    assert loader.pin_memory and loader.persistent_workers and (loader.num_workers, loader.prefetch_factor) == (2, 4)


def test_two_passes_at_once(data):
    one, two = data.batches(4, seed=1), data.batches(4, seed=2)
    mixed = [next(one), next(two), next(one), next(two)]
    assert torch.equal(torch.cat([mixed[0][0], mixed[2][0]]), gather(list(data.batches(4, seed=1))[:2])[0])
    assert torch.equal(torch.cat([mixed[1][0], mixed[3][0]]), gather(list(data.batches(4, seed=2))[:2])[0])


def test_subsets_are_those_of_a_folder_set(folder, data):
    for part, wanted in [(data.take(6), folder.take(6)), (data.only("b"), folder.only("b")),
                         (data.take(7, seed=2).only("a"), folder.take(7, seed=2).only("a"))]:
        assert part.files.tolist() == wanted.files.tolist() and part.labels.tolist() == wanted.labels.tolist()
        assert torch.equal(gather(part.batches(4, seed=0))[0], gather(wanted.batches(4, seed=0))[0])
        assert set(part.skipped) == {reason for reason in data.skipped if any(name in reason for name in part.files)}
    assert len({data.digest, data.take(6).digest, data.take(6, seed=1).digest, data.only("b").digest,
                folder.digest}) == 5
    with pytest.raises(ValueError, match="no class"):
        data.only("c")
    assert torch.equal(data.batch([0, 3])[0], folder.batch([0, 3])[0]) and isinstance(data.to("cpu"), ShardSet)
    assert len(data.batch(slice(0, 12))[1]) == 8


@pytest.mark.parametrize("call", [
    {"batch_size": 0}, {"batch_size": 4, "augment": "crop+flip", "seed": 0}, {"batch_size": 4, "augment": "paper"},
])
def test_bad_passes_are_refused_at_the_call(data, call):
    with pytest.raises(ValueError):
        data.batches(**call)


def test_a_subset_of_unreadable_files(data):
    bad = data._subset(torch.tensor([index for index, row in enumerate(data.places) if row[2] == 0]), "bad")
    with pytest.raises(UnreadableImageError, match="not one image"):
        list(bad.batches(2))


def test_loaded_where_a_folder_is_expected(place, odd_folder, tmp_path):
    data = load(str(place), "train", image_size=96, count=5)
    assert isinstance(data, ShardSet) and len(data) == 5 and data.classes == ("a", "b")
    assert "scaled once to 110" in data.notes and data.name == "odd"
    assert len(load(str(place), "test", image_size=32)) == 2
    (tmp_path / "imagenet").symlink_to(place)
    assert isinstance(load("imagenet", "train", image_size=96, root=tmp_path), ShardSet)
    assert load(str(place), "train", image_size=96).digest != load(str(place), "train", image_size=64).digest


def test_workers_may_be_spawned(data):
    """Without fork, a worker is sent its reader: no open map goes with it."""
    reader = _ShardReader(data)
    request = ("none", 0, [data.files.tolist().index("a/rgb.png")])
    sent = pickle.loads(pickle.dumps(reader))
    assert torch.equal(sent.__getitems__(request)[0][0], reader.__getitems__(request)[0][0])
    assert len(pickle.dumps(reader)) < 20_000
