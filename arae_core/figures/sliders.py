"""Sliders: over frames drawn beforehand, for the page, which has no kernel; and live, with one.

On the page the browser alone links the slider to the frames (`jslink`), by mouse, finger and arrow keys.
A frame is an <img> with its own alternative text, which ipywidgets' Image widget does not have.
"""

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from .files import to_png

FRAME_KB = 120

Frame = bytes | Figure | Tensor


def frame_slider(
    frames: Sequence[Frame], labels: Sequence[str], *, description: str, alt: str, start: int = 0
) -> widgets.VBox:
    """A slider over ready frames; works in the static page and with a kernel alike.

    frames: PNG bytes, figures or images (3, H, W) in [0,1]; the last two become PNGs of at most 120 KB.
    labels: one a frame, shown above it ("eps = 0.5"). description: what the slider moves along. alt: what
    is to be seen, for those who do not see it; each frame's label is added. start: the first one shown.
    Raises ValueError if there are no frames, or not one label each.
    """
    if not frames or len(frames) != len(labels):
        raise ValueError(f"{len(frames)} frames with {len(labels)} labels: one label a frame is needed")
    if not 0 <= start < len(frames):
        raise ValueError(f"start must be one of the {len(frames)} frames, not {start}")
    shown = [widgets.HTML(_img(frame, label, alt)) for frame, label in zip(frames, labels)]
    stack = widgets.Stack(shown, selected_index=start, layout=widgets.Layout(max_width="100%"))
    # No readout: the frame's label says more than its number.
    slider = widgets.IntSlider(start, min=0, max=len(frames) - 1, readout=False, **_look(description))
    widgets.jslink((slider, "value"), (stack, "selected_index"))
    return widgets.VBox([slider, stack])


def live_slider(
    compute: Callable[[float], Frame],
    minimum: float,
    maximum: float,
    step: float,
    *,
    description: str,
    alt: str,
    start: float | None = None,
) -> widgets.VBox:
    """A slider that calls `compute(value)` and shows its frame; moves only while a kernel runs.

    The frame at `start` (by default `minimum`) is computed at once. Its box has the class "arae-live", by
    which a page without a kernel can hide it. What compute raises is shown in place of the frame.
    """
    begin = minimum if start is None else start
    slider = widgets.FloatSlider(begin, min=minimum, max=maximum, step=step, **_look(description))
    slider.continuous_update = False  # once let go, not at every pixel on the way
    frame = widgets.HTML(layout=widgets.Layout(max_width="100%"))

    def show(value: float) -> None:
        try:
            frame.value = _img(compute(value), f"{description} {value:g}", alt)
        except Exception as error:  # else it would end in a log that no reader opens
            frame.value = f'<p role="alert">{escape(f"{type(error).__name__}: {error}")}</p>'

    slider.observe(lambda change: show(change["new"]), "value")
    show(slider.value)
    box = widgets.VBox([slider, frame])
    box.add_class("arae-live")
    return box


def _look(description: str) -> dict[str, Any]:
    layout = widgets.Layout(width="100%", max_width="26em")
    return {"description": description, "style": {"description_width": "initial"}, "layout": layout}


def _img(frame: Frame, label: str, alt: str) -> str:
    png = frame if isinstance(frame, bytes) else to_png(frame, FRAME_KB)
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    return (
        f'<figure style="margin:0"><figcaption>{escape(label)}</figcaption>'
        f'<img class="arae-frame" src="{source}" alt="{escape(f"{alt}: {label}")}" '
        'style="max-width:100%;height:auto"></figure>'
    )
