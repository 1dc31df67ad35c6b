import base64
import re

import ipywidgets as widgets
import pytest

from arae_core.figures import frame_slider, image_grid, live_slider, to_png


@pytest.fixture(autouse=True)
def fresh():
    widgets.Widget.close_all()
    yield
    widgets.Widget.close_all()


def test_the_stored_state_holds_frames_with_their_labels_and_a_link_in_the_browser(images):
    frames = [to_png(images[0]), images[1], image_grid([images])]
    box = frame_slider(frames, ["eps = 0", "eps = <1>", "eps = 2"], description="radius", alt="a row", start=1)
    slider, stack = box.children
    assert (slider.min, slider.max, slider.value, stack.selected_index) == (0, 2, 1, 1)
    assert slider.description == "radius"
    state = widgets.Widget.get_manager_state()["state"]  # what papermill stores and the page reads
    (link,) = [s["state"] for s in state.values() if s["model_name"] == "LinkModel"]
    assert link["source"] == [f"IPY_MODEL_{slider.model_id}", "value"]
    assert link["target"] == [f"IPY_MODEL_{stack.model_id}", "selected_index"]
    shown = [state[child.model_id]["state"]["value"] for child in stack.children]
    assert len(shown) == 3
    assert 'alt="a row: eps = 0"' in shown[0] and 'alt="a row: eps = &lt;1&gt;"' in shown[1]
    pictures = [base64.b64decode(re.search(r'base64,([^"]+)"', html)[1]) for html in shown]
    assert pictures[0] == frames[0]
    assert all(png.startswith(b"\x89PNG") and len(png) <= 60 * 1024 for png in pictures)
    for frames in ([images[0]], []):
        pytest.raises(ValueError, frame_slider, frames, [], description="", alt="").match("one label a frame")
    pytest.raises(ValueError, frame_slider, [images[0]], ["l"], description="", alt="", start=1).match("start")


def test_live_computes_at_once_at_each_change_and_shows_an_error(images):
    asked = []

    def compute(value):
        asked.append(value)
        if value > 1:
            raise ValueError("eps <too> large")
        return images[0]

    box = live_slider(compute, 0.0, 2.0, 0.5, description="eps", alt="a picture")
    slider, frame = box.children
    assert asked == [0.0] and 'alt="a picture: eps 0"' in frame.value
    assert not slider.continuous_update and "arae-live" in box._dom_classes
    slider.value = 0.5
    assert asked == [0.0, 0.5] and 'alt="a picture: eps 0.5"' in frame.value
    slider.value = 2.0
    assert "ValueError: eps &lt;too&gt; large" in frame.value and "<img" not in frame.value
