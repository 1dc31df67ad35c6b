"""Running a chapter in a test: a store of its own, and a folder that looks like ImageNet."""

import numpy as np
import pytest
from PIL import Image

from arae_book import profiles, runs
from arae_book.chapters import find_chapter, find_root
from arae_core.results import read_all


@pytest.fixture
def execute():
    """execute(chapter, profile, changes, out): run it, and return the records that it wrote."""

    def executed(chapter, profile, changes, out):
        asked = profiles.asked(chapter, profile, [(name, str(value)) for name, value in changes.items()])
        runs.run(find_chapter(find_root(), chapter), asked, out)
        assert all(picture.stat().st_size < 300 * 1024 for picture in (out / "pictures").glob("*"))
        return read_all(out / "records")

    return executed


@pytest.fixture
def own_store(tests_store, monkeypatch):
    """`tests_store` as the reader's."""
    monkeypatch.setenv("ARAE_STORE", str(tests_store))
    return tests_store


@pytest.fixture(scope="module")
def imagenet_like(tmp_path_factory):
    """Two classes of four training and two test pictures, larger than 224 pixels, as ImageNet's folders are."""
    root, rng = tmp_path_factory.mktemp("imagenet"), np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for label in ("n01", "n02"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for i in range(count):
                noise = rng.integers(0, 255, (20, 24, 3), dtype=np.uint8)
                Image.fromarray(noise).resize((300, 260)).save(folder / f"{i}.jpg")
    return root
