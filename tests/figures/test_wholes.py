import pytest
import torch

from arae_core.figures import error_maps, picture_rows


def test_each_picture_in_its_shape():
    wide, tall = torch.rand(3, 120, 240), torch.rand(3, 200, 100)
    figure = picture_rows({"wide": [wide, wide], "tall": [tall, tall]}, columns=["x", "robust"])
    assert [ax.get_title() for ax in figure.axes] == ["x", "robust", "", ""]
    assert [figure.axes[0].get_ylabel(), figure.axes[2].get_ylabel()] == ["wide", "tall"]
    torch.testing.assert_close(torch.tensor(figure.axes[2].images[0].get_array()), tall.permute(1, 2, 0))
    narrow, high = figure.get_size_inches()
    assert narrow == 7.5 and high > 7  # half as high as wide, and twice


def test_error_maps_share_a_scale():
    small, large = torch.full((3, 20, 30), -0.1), torch.full((3, 20, 30), 0.3)
    figure = error_maps({"a": [small, large]}, columns=["standard", "robust"])
    maps = [ax.images[0] for ax in figure.axes[:2]]
    assert [image.get_clim() for image in maps] == [(0, pytest.approx(0.3))] * 2
    torch.testing.assert_close(torch.tensor(maps[0].get_array()), small.abs().mean(dim=0))  # the sign is dropped
    assert error_maps({"a": [small]}, columns=["robust"], largest=0.5).axes[0].images[0].get_clim() == (0, 0.5)


def test_other_input_is_refused():
    with pytest.raises(ValueError, match="'a' must have a picture"):
        picture_rows({"a": [torch.rand(3, 8, 8)]}, columns=["x", "robust"])
    with pytest.raises(ValueError, match="'a' must have a picture"):
        error_maps({"a": torch.rand(1, 3, 8, 8)[None]}, columns=["x"])
    with pytest.raises(ValueError, match="no pictures"):
        picture_rows({}, columns=["x"])
