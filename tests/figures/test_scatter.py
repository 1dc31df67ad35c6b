import pytest

from arae_core.figures import cost_scatter

POINTS = {"ours": (0.1, 20.0), "ri": (50.0, 12.0)}


def test_a_point_a_method_on_a_logarithmic_axis():
    figure = cost_scatter({"PSNR (dB)": POINTS, "feature error (%)": {"ours": (0.1, 30.0)}}, xlabel="ms an image")
    first, second = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["PSNR (dB)", "feature error (%)"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in first.lines] == [(0.1, 20.0), (50.0, 12.0)]
    assert first.get_xscale() == "log" and first.get_xlabel() == "ms an image"
    assert {text.get_text() for text in first.texts} == {"ours", "ri"}
    assert second.lines[0].get_color() == first.lines[0].get_color() != first.lines[1].get_color()


def test_names_stay_inside():
    """The cheapest method's name stands right of its point, the dearest one's left."""
    (ax,) = cost_scatter({"PSNR": POINTS}, xlabel="ms").axes
    assert {text.get_text(): text.get_ha() for text in ax.texts} == {"ours": "left", "ri": "right"}


@pytest.mark.parametrize("point", [(0.0, 1.0), (-1.0, 1.0), (float("inf"), 1.0), (1.0, float("nan"))])
def test_what_has_no_place(point):
    with pytest.raises(ValueError, match="logarithmic"):
        cost_scatter({"PSNR": {"ours": point}}, xlabel="ms")


def test_nothing_to_show():
    with pytest.raises(ValueError, match="no methods"):
        cost_scatter({"PSNR": {}}, xlabel="ms")
