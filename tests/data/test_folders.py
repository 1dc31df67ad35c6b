"""Image folders: classes numbered alike in both splits, and what is said when something is not there."""

import shutil

import pytest
from PIL import Image

from arae_core.data import ImageSet, MissingDataError, cifar10, image_folder


def test_odd_images_are_converted_and_bad_ones_named(odd_folder):
    with pytest.warns(UserWarning, match="4 unreadable"):
        data = image_folder(odd_folder, "train", image_size=32)
    assert isinstance(data, ImageSet) and data.images.shape == (8, 3, 32, 32)
    assert data.labels.tolist() == [0] * 4 + [1] * 4 and data.classes == ("a", "b")
    for name in ("truncated.jpg", "text.jpg", "empty.png", "huge.ppm"):
        assert sum(name in reason for reason in data.skipped) == 1


def test_a_changed_file_is_read_again(tiny_cifar):
    first, folder = cifar10("train", root=tiny_cifar), tiny_cifar / "cifar10" / "train"
    (folder / "cat" / "0000.jpg").write_bytes((folder / "bird" / "0000.jpg").read_bytes())
    assert cifar10("train", root=tiny_cifar).digest != first.digest


@pytest.mark.parametrize("image_size", [32, 224])
def test_no_readable_image_at_all(tmp_path, image_size):
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "x.jpg").write_text("no")
    with pytest.raises(ValueError, match="not one image.*x.jpg"):  # larger ones are read as a pass goes on
        list(image_folder(tmp_path, "train", image_size=image_size).batches(1))


def test_a_class_without_test_images_shifts_no_other_and_one_that_training_lacks_is_refused(odd_folder):
    assert len(image_folder(odd_folder, "test", image_size=32)) == 2  # val stands for test
    shutil.rmtree(odd_folder / "val" / "a")
    data = image_folder(odd_folder, "test", image_size=32)
    assert data.labels.tolist() == [1] and data.classes == ("a", "b")
    shutil.rmtree(odd_folder / "train" / "b")
    with pytest.raises(ValueError, match="classes that .*train lacks: b"):
        image_folder(odd_folder, "test", image_size=32)


def test_a_folder_without_pictures_is_no_class(odd_folder):
    for split in ("train", "val"):
        (odd_folder / split / "__MACOSX").mkdir()
        (odd_folder / split / "__MACOSX" / "._0.png").write_bytes(b"0")
        (odd_folder / split / "horse" / "in").mkdir(parents=True)
        Image.new("P", (32, 32)).save(odd_folder / split / "horse" / "in" / "0.gif")
    with pytest.warns(UserWarning, match="no picture in __MACOSX, horse"):
        assert image_folder(odd_folder, "test", image_size=32).classes == ("a", "b")


def test_tiny_imagenet_in_its_own_layout(tmp_path):
    root = tmp_path / "tiny-imagenet-200"
    for name in ("n01", "n02"):
        (root / "train" / name / "images").mkdir(parents=True)
        Image.new("RGB", (64, 64), "red").save(root / "train" / name / "images" / f"{name}_0.JPEG")
    (root / "val" / "images").mkdir(parents=True)
    for index in range(3):
        Image.new("RGB", (64, 64), "red").save(root / "val" / "images" / f"val_{index}.JPEG")
    (root / "test" / "images").mkdir(parents=True)  # as in the original archive: no labels
    (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn02\t0\t0\t9\t9\nval_1.JPEG\tn01\t0\t0\t9\t9\n"
                                                      "val_2.JPEG\tn02\t0\t0\t9\t9\n")
    assert image_folder("tiny-imagenet", "train", image_size=64, root=tmp_path).labels.tolist() == [0, 1]
    data = image_folder("tiny-imagenet", "test", image_size=64, root=tmp_path)
    assert data.labels.tolist() == [0, 1, 1] and data.classes == ("n01", "n02")
    assert data.notes == "2 of 200 classes" and data.name == "tiny-imagenet"


def test_missing_names_the_places_and_bad_arguments(tmp_path):
    with pytest.raises(MissingDataError, match="tiny-imagenet-200.zip") as said:
        image_folder("tiny-imagenet", "train", image_size=64, root=tmp_path)
    assert all(str(tmp_path / name) in str(said.value) for name in ("tiny-imagenet", "tiny-imagenet-200"))
    with pytest.raises(MissingDataError, match="<split>/<class>/<image>"):
        image_folder(tmp_path / "none", "train", image_size=64)
    (tmp_path / "cats").mkdir()
    pytest.raises(MissingDataError, image_folder, tmp_path, "train", image_size=64).match("no folder train")
    (tmp_path / "train" / "a").mkdir(parents=True)
    pytest.raises(MissingDataError, image_folder, tmp_path, "train", image_size=64).match("holds no image")
    for bad in ({"image_size": 0}, {"image_size": "64"}, {"split": "training"}):
        (name,), asked = bad, {"split": "train", "image_size": 64} | bad
        pytest.raises(ValueError, image_folder, tmp_path, **asked).match(name)
