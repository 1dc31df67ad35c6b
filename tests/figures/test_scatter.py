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


def test_names_stay_inside_and_apart_and_more_methods_than_colours_differ():
    """Two methods in one place, and one at each end of the axis."""
    points = {**POINTS, "Dosovitskiy-Brox": (0.05, 19.6), "DeePSiM": (0.05, 19.6), "with priors (M-V)": (60.0, 17.4)}
    figure = cost_scatter({"PSNR": points, "feature error": points}, xlabel="ms")
    for ax in figure.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        assert len(boxes) == 5
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert all(ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 for box in boxes)
    (ax,) = cost_scatter({"PSNR": {f"m{i}": (10.0**i, i) for i in range(8)}}, xlabel="ms").axes
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 8


@pytest.mark.parametrize("point", [(0.0, 1.0), (-1.0, 1.0), (float("inf"), 1.0), (1.0, float("nan"))])
def test_what_has_no_place(point):
    pytest.raises(ValueError, cost_scatter, {"PSNR": {"ours": point}}, xlabel="ms").match("logarithmic")
    pytest.raises(ValueError, cost_scatter, {"PSNR": {}}, xlabel="ms").match("no methods")
