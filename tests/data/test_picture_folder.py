"""Plain folders of pictures."""

import pytest
from PIL import Image

from arae_core.data import MissingDataError, UnreadableImageError, picture, picture_files


@pytest.fixture
def kodak(tmp_path):
    folder = tmp_path / "denoise" / "Kodak24"
    (folder / "inside").mkdir(parents=True)
    for name, size in (("b.png", (30, 20)), ("a.tif", (20, 30)), ("inside/c.png", (9, 9))):
        Image.new("RGB", size, "olive").save(folder / name)
    (folder / "readme.txt").write_text("passed over")
    (folder / ".hidden.png").write_text("passed over")
    return folder


def test_by_path_or_under_the_data_root(kodak, tmp_path, monkeypatch):
    assert [file.name for file in picture_files(kodak)] == ["a.tif", "b.png"]
    assert picture_files("denoise/Kodak24", root=tmp_path) == picture_files(kodak)
    monkeypatch.setenv("ARAE_DATA", str(tmp_path))
    assert picture_files("denoise/Kodak24") == picture_files(kodak)
    assert [picture(file).shape for file in picture_files(kodak)] == [(1, 3, 30, 20), (1, 3, 20, 30)]


def test_pictures_of_the_folders_inside_count_where_it_has_none_itself(kodak, tmp_path):
    (tmp_path / "denoise/A").mkdir()
    Image.new("RGB", (5, 5)).save(tmp_path / "denoise/A/z.png")
    names = ["A/z.png", "Kodak24/a.tif", "Kodak24/b.png", "Kodak24/inside/c.png"]
    assert [file.relative_to(tmp_path / "denoise").as_posix() for file in picture_files(tmp_path / "denoise")] == names


def test_missing_or_empty(kodak, tmp_path):
    with pytest.raises(MissingDataError, match="div2k is not here(?s:.*)folder with pictures"):
        picture_files("div2k", root=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match="is not here"):
        picture_files(tmp_path / "empty")


def test_a_picture_of_20_000_pixels_a_side(kodak):
    (kodak / "huge.ppm").write_bytes(b"P6 20000 20000 255\n")
    with pytest.raises(UnreadableImageError, match="huge.ppm: .*400000000 pixels"):
        picture(picture_files(kodak)[-1])
