"""Train what a chapter shows, without its notebook: alone, or in the processes that torchrun starts.

The chapter then finds the models under the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .chapters import Chapter, Refused
from .execute import RunFailed
from .parameters import defaults


def train(chapter: Chapter, settings: Mapping[str, Any], say: Callable[[str], None], out: Path | None = None) -> None:
    """Find or train each model of the chapter at these settings (see `parameters.settings`); a line said for each.

    out: a folder that gets a copy of each, see `file_name`. Raises Refused for a chapter that is not made of such
    models, RunFailed with the cause when a training fails.
    """
    from arae_core.results import write_whole
    from arae_core.training import CheckpointError, TrainingDiverged, several
    from arae_core.training.memory import BatchTooLarge
    from arae_core.training.recipes import CHAPTERS

    if chapter.name not in CHAPTERS:
        raise Refused(f"there is no training {chapter.name!r} without its notebook, only {', '.join(CHAPTERS)}; "
                      f"for the others there is `arae run {chapter.name}`")
    try:
        device = several.join()
        for name, its in CHAPTERS[chapter.name]({**defaults(chapter), **settings}, device):
            if several.rank() == 0:
                say(f"{name}: {'found, was ' if its.found else ''}trained in {its.seconds:.0f} s: {its.path}")
                if out is not None:
                    write_whole(out / file_name(name), its.path.read_bytes())
        several.leave()
    except (CheckpointError, TrainingDiverged, BatchTooLarge, several.GroupBroken, ValueError, OSError) as error:
        raise RunFailed(f"{chapter.name}: {error}") from error


def file_name(title: str) -> str:
    """ "robust conv5 pixel+feature" is "robust-conv5-pixel+feature.safetensors"."""
    return re.sub(r"[^\w.+=-]+", "-", title).strip("-") + ".safetensors"
