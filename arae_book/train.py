"""Train what a chapter shows, without its notebook: its own cells tagged `trains`, executed in one namespace.

Alone, or in the processes that torchrun starts. The chapter then finds the models under the same keys.
"""

import io
import linecache
import re
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import nbformat

from .chapters import Chapter, Refused
from .profiles import Settings
from .runs import RunFailed, Say

_CELL, _TRAINS = "parameters", "trains"


def train(chapter: Chapter, p: Settings, say: Say, out: Path | None = None) -> None:
    """Find or train each model of the chapter at these settings; a line said for each.

    out: a folder that gets a copy of each, see `file_name`. Raises Refused for a chapter without such cells and for
    settings that it refuses, RunFailed with the cause when a training, or a cell, fails.
    """
    if not (source := training_cells(chapter, p)):
        raise Refused(f"{chapter.name} has no cell tagged `{_TRAINS}`; there is `arae run {chapter.name}`")
    from arae_core.store import write_whole
    from arae_core.training import CheckpointError, TrainingDiverged, distributed
    from arae_core.training.memory import BatchTooLarge
    from arae_core.training.trained import Trained, listening

    visible, kept = sys.stdout, {}
    plain = (ValueError, OSError, BatchTooLarge, CheckpointError, TrainingDiverged)  # they say what is wrong

    def tell(trained: Trained) -> None:
        if distributed.rank():
            return
        with redirect_stdout(visible):
            how = "found, was trained" if trained.found else "trained"
            say(f"{trained.title}: {how} in {trained.seconds:.0f} s: {trained.path}")
        if kept.setdefault(file_name(trained.title), trained.path) != trained.path:
            raise RunFailed(f"{chapter.name} calls two models {trained.title!r}")
        if out is not None:
            write_whole(out / file_name(trained.title), trained.path.read_bytes())

    try:
        distributed.join()
        with listening(tell), redirect_stdout(io.StringIO()):
            execute(source, chapter.name)
        distributed.leave()
    except (Refused, RunFailed):
        raise
    except plain as error:
        raise RunFailed(f"{chapter.name}: {' '.join(str(error).split())}") from error
    except Exception as error:
        where = "".join(traceback.format_exception(error))
        raise RunFailed(f"{chapter.name}: {type(error).__name__}: {error}", where) from error


def training_cells(chapter: Chapter, p: Settings) -> str:
    """The chapter's code that leads to its models, with these settings in its cell `parameters`; "" if there is none."""
    sources, trains = [], False
    for cell in nbformat.read(chapter.path, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and (_TRAINS in tags or _CELL in tags):
            sources.append(cell.source)
            trains |= _TRAINS in tags and _CELL not in tags
        if _CELL in tags:
            sources.append("\n".join(f"{name} = {value!r}" for name, value in p.cell().items()))
    return "\n\n\n".join(sources) + "\n" if trains else ""


def execute(source: str, name: str) -> dict[str, object]:
    """Run the source as a module of its own and return its names. `inspect` finds the source of what it defines."""
    module = ModuleType("chapter")
    module.__file__ = file = f"<cells of {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
        return vars(module)
    finally:
        del sys.modules[module.__name__]


def file_name(title: str) -> str:
    """ "robust conv5 pixel+feature" is "robust-conv5-pixel+feature.safetensors"."""
    return re.sub(r"[^\w.+=-]+", "-", title).strip("-") + ".safetensors"
