"""Image folders: classes numbered alike in both splits, and what is said when something is not there."""

import shutil

import pytest
from PIL import Image

from arae_core.data import MissingDataError, image_folder


def test_val_stands_for_test(odd_folder):
    assert len(image_folder(odd_folder, "test", image_size=32)) == 2


def test_a_class_without_test_images_does_not_shift_the_others(odd_folder):
    shutil.rmtree(odd_folder / "val" / "a")
    data = image_folder(odd_folder, "test", image_size=32)
    assert data.labels.tolist() == [1] and data.classes == ("a", "b")


def test_a_class_that_training_lacks_is_refused(odd_folder):
    shutil.rmtree(odd_folder / "train" / "a")
    with pytest.raises(ValueError, match="classes that .*train lacks: a"):
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


def test_missing_names_the_places(tmp_path):
    with pytest.raises(MissingDataError) as caught:
        image_folder("tiny-imagenet", "train", image_size=64, root=tmp_path)
    assert all(str(tmp_path / name) in str(caught.value) for name in ("tiny-imagenet", "tiny-imagenet-200"))
    assert "tiny-imagenet-200.zip" in str(caught.value)
    with pytest.raises(MissingDataError, match="<split>/<class>/<image>"):
        image_folder(tmp_path / "none", "train", image_size=64)


def test_a_folder_without_splits_or_images(tmp_path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(MissingDataError, match="no folder train"):
        image_folder(tmp_path, "train", image_size=64)
    (tmp_path / "train" / "a").mkdir(parents=True)
    with pytest.raises(MissingDataError, match="holds no image"):
        image_folder(tmp_path, "train", image_size=64)


@pytest.mark.parametrize("bad", [{"image_size": 0}, {"image_size": "64"}, {"split": "training"}])
def test_bad_arguments(odd_folder, bad):
    with pytest.raises(ValueError):
        image_folder(odd_folder, **({"split": "train", "image_size": 64} | bad))
