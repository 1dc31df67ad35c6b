"""Small images from folders in one tensor: odd ones converted, bad ones named."""

import pytest

from arae_core.data import ImageSet, cifar10, image_folder


def test_odd_images_are_converted_and_bad_ones_named(odd_folder):
    with pytest.warns(UserWarning, match="4 unreadable"):
        data = image_folder(odd_folder, "train", image_size=32)
    assert isinstance(data, ImageSet) and data.images.shape == (8, 3, 32, 32)
    assert data.labels.tolist() == [0] * 4 + [1] * 4 and data.classes == ("a", "b")
    for name in ("truncated.jpg", "text.jpg", "empty.png", "huge.ppm"):
        assert sum(name in reason for reason in data.skipped) == 1


def test_a_changed_file_is_read_again(tiny_cifar):
    first = cifar10("train", root=tiny_cifar)
    folder = tiny_cifar / "cifar10" / "train"
    (folder / "cat" / "0000.jpg").write_bytes((folder / "bird" / "0000.jpg").read_bytes())
    assert cifar10("train", root=tiny_cifar).digest != first.digest


def test_no_readable_image_at_all(tmp_path):
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "x.jpg").write_text("no")
    with pytest.raises(ValueError, match="not one image.*x.jpg"):
        image_folder(tmp_path, "train", image_size=32)
