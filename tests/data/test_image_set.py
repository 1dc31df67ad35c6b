"""ImageSet: complete, repeatable passes; crop and flip do what they say."""

import numpy as np
import pytest
import torch
from PIL import Image

from arae_core.data import ImageSet, photos, require_classes, resized
from tests.tiny import gather


def make(n: int = 30, size: int = 16, classes: int = 3) -> ImageSet:
    images = torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return ImageSet("made", images, torch.arange(n) % classes, tuple("abcdefghij"[:classes]))


def test_in_order_without_a_seed_and_by_indices():
    data = make()
    x, y = gather(data.batches(7))
    assert x.dtype == torch.float32 and torch.equal(x, data.images / 255) and torch.equal(y, data.labels)
    assert [len(y) for _, y in data.batches(7)] == [7, 7, 7, 7, 2]
    assert [len(y) for _, y in data.batches(7, drop_last=True)] == [7, 7, 7, 7]
    x, y = data.batch([3, 1])
    assert torch.equal(x, data.images[[3, 1]] / 255) and y.tolist() == [0, 1]
    assert len(data.batch(slice(4, 9))[1]) == 5


def test_a_shuffled_pass_holds_every_image_once_with_its_label():
    data = ImageSet("made", torch.arange(200, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8),
                    torch.arange(200), tuple(str(i) for i in range(200)))
    for augment in ("none", "flip", "crop+flip"):    # constant images: augmentation changes nothing
        x, y = gather(data.batches(32, seed=1, augment=augment))
        assert torch.equal((x[:, 0, 0, 0] * 255).round().long(), y)
        assert torch.equal(y.sort().values, torch.arange(200)) and not torch.equal(y, torch.arange(200))


@pytest.mark.parametrize("augment", ["none", "flip", "crop+flip"])
def test_a_pass_depends_on_its_seed_alone(augment):
    torch.manual_seed(1)
    x, y = gather(make().batches(8, seed=5, augment=augment))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    x2, y2 = gather(make().batches(8, seed=5, augment=augment))
    assert torch.equal(x, x2) and torch.equal(y, y2) and torch.equal(state, torch.get_rng_state())
    assert not torch.equal(x, gather(make().batches(8, seed=6, augment=augment))[0])


def test_flips_are_mirror_images_of_half():
    data = make(64)
    x, _ = next(data.batches(64, seed=0, augment="flip"))
    plain, _ = next(data.batches(64, seed=0))
    kept, turned = ((x == other).flatten(1).all(1) for other in (plain, plain.flip(3)))
    assert (kept ^ turned).all() and 16 < int(turned.sum()) < 48


def test_crops_are_windows_of_the_mirrored_image():
    data = make(40, size=16)
    x, _ = next(data.batches(40, seed=0, augment="crop+flip"))
    plain, _ = next(data.batches(40, seed=0))
    padded = torch.nn.functional.pad(plain, (2, 2, 2, 2), mode="reflect")    # 16 // 8
    places = set()
    for image, border in zip(x, padded, strict=True):
        found = [(dy, dx, flip) for dy in range(5) for dx in range(5) for flip in (False, True)
                 if torch.equal(image.flip(2) if flip else image, border[:, dy:dy + 16, dx:dx + 16])]
        assert len(found) == 1
        places.add(found[0])
    assert {place[0] for place in places} == {place[1] for place in places} == set(range(5))


def test_take_is_balanced_and_repeatable_and_only_of_one_class():
    data = make(30)
    part = data.take(8, seed=1)
    assert part.labels.bincount().sort().values.tolist() == [2, 3, 3]
    assert part.digest == data.take(8, seed=1).digest != data.take(8, seed=2).digest
    assert len({bytes(image.numpy()) for image in data.take(30).images}) == 30
    for bad in (0, 31, 2.5):
        pytest.raises(ValueError, data.take, bad).match("cannot take")
    part = make().only("b")
    assert len(part) == 10 and part.labels.unique().tolist() == [1] and part.classes == ("a", "b", "c")
    for refused in (make().only, lambda name: require_classes(make(), ["a", name])):
        pytest.raises(ValueError, refused, "bb").match("made has no class 'bb'; did you mean b.*a, b, c")
        with pytest.raises(ValueError, match="no image of class 'z'"):
            require_classes(ImageSet("made", make().images, make().labels, ("a", "b", "c", "z")), ["c", "z"])
    require_classes(make(), ["c", "a"])


def test_digest_covers_pixels_labels_and_classes():
    data = make()
    pixel = data.images.clone()
    pixel[0, 0, 0, 0] ^= 1
    others = {ImageSet("made", *fields).digest for fields in (
        (pixel, data.labels, data.classes), (data.images, data.labels.flip(0), data.classes),
        (data.images, data.labels, ("a", "b", "z")))}
    assert len({data.digest, *others}) == 4
    assert data.digest == ImageSet("renamed", data.images.clone(), data.labels, data.classes).digest


@pytest.mark.parametrize("change", [{"images": torch.zeros(3, 3, 8, 8)}, {"images": torch.zeros(3, 1, 8, 8, dtype=torch.uint8)},
    {"labels": torch.tensor([0, 1])}, {"labels": torch.tensor([0, 1, 2])}, {"labels": torch.tensor([0, 0, -1])},
])
def test_tensors_that_do_not_fit_and_bad_passes_are_refused_at_the_call(change):
    fields = {"images": torch.zeros(3, 3, 8, 8, dtype=torch.uint8), "labels": torch.tensor([0, 1, 0])}
    pytest.raises(ValueError, ImageSet, "made", classes=("a", "b"), **fields | change).match("made")
    for bad in ({"batch_size": 0}, {"batch_size": 2.0}, {"augment": "mixup", "seed": 0}, {"augment": "flip"}):
        pytest.raises(ValueError, make().batches, **({"batch_size": 4} | bad))


@pytest.fixture(scope="module")
def small():
    return photos("test", count=20, image_size=16)


def test_at_another_size_as_pillow_scales(small):
    large = resized(small, 40)
    x, y = large.batch([3, 4])
    assert x.shape == (2, 3, 40, 40) and 0 <= x.min() and x.max() <= 1 and y.tolist() == [3, 4]
    assert len(large) == 20 and large.classes == small.classes and torch.equal(large.labels, small.labels)
    assert len(large.only("china")) == 2 and large.only("china").image_size == 40 and len(large.take(7)) == 7
    batches = list(large.batches(8, seed=0, drop_last=True))
    assert [len(x) for x, _ in batches] == [8, 8]
    assert torch.equal(batches[0][1], next(small.batches(8, seed=0))[1]) and "16 px scaled to 40" in large.notes
    assert len({small.digest, large.digest, resized(small, 41).digest}) == 3 and resized(small, 16) is small
    # torchvision resizes files by Pillow's bilinear filter, which A's code calls; up to rounding to bytes
    image = Image.fromarray(small.images[5].permute(1, 2, 0).numpy())
    theirs = image.resize((40, 40), Image.Resampling.BILINEAR)
    ours = resized(small, 40).batch([5])[0][0].mul(255).permute(1, 2, 0)
    assert (ours - torch.from_numpy(np.array(theirs)).float()).abs().max() <= 1.01
    for wrong in (0, 2.5, True):
        pytest.raises(ValueError, resized, small, wrong).match("positive integer")
