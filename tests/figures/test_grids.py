import pytest
import torch

from arae_core.figures import error_maps, gradient_image, image_grid, perturbation, picture_rows


def test_rows_columns_and_pixels(images):
    figure = image_grid({"image": images, "attacked": images[:2]}, columns=["a", "b", "c"], title="t")
    axes = figure.axes
    assert len(axes) == 6 and [len(ax.images) for ax in axes] == [1, 1, 1, 1, 1, 0]
    assert [ax.get_title() for ax in axes[:3]] == ["a", "b", "c"]
    assert [axes[0].get_ylabel(), axes[3].get_ylabel()] == ["image", "attacked"]
    shown = torch.tensor(axes[1].images[0].get_array())
    torch.testing.assert_close(shown, images[1].permute(1, 2, 0), rtol=0, atol=1e-6)
    assert axes[0].images[0].get_interpolation() == "nearest"
    assert image_grid([torch.rand(1, 1, 128, 128)]).axes[0].images[0].get_interpolation() != "nearest"


def test_other_input_is_refused(images):
    for rows, columns, cause in (([images[0]], None, "N, 3, H, W"), ({"delta": images - 0.5}, None, "'delta' spans.*pert"),
                                 ([images], ["a", "b"], "2 column labels for 3"), ([], None, "no rows")):
        pytest.raises(ValueError, image_grid, rows, columns=columns).match(cause)
    for rows, columns, cause in (({"a": [torch.rand(3, 8, 8)]}, ["x", "robust"], "'a' must have a picture"),
                                 ({"a": torch.rand(1, 3, 8, 8)[None]}, ["x"], "'a' must have"), ({}, ["x"], "no pict")):
        for draw in (picture_rows, error_maps):
            pytest.raises(ValueError, draw, rows, columns=columns).match(cause)


def test_a_perturbation_and_a_gradient_that_keeps_its_sign_and_forgets_its_scale():
    delta = torch.tensor([0.0, 0.01, -0.02, 0.2]).reshape(1, 1, 2, 2)
    torch.testing.assert_close(perturbation(delta).flatten(), torch.tensor([0.5, 0.6, 0.3, 1.0]))
    gradient = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    shown = gradient_image(gradient)
    inside = (shown > 0) & (shown < 1)
    assert torch.equal((shown - 0.5).sign(), gradient.sign())
    expected = 0.5 + gradient / gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() / 6
    torch.testing.assert_close(shown[inside], expected[inside])
    torch.testing.assert_close(gradient_image(1e-30 * gradient), shown)
    assert (gradient_image(torch.zeros(1, 3, 4, 4)) == 0.5).all()


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
