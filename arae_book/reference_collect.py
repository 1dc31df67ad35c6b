"""From a finished reference run's folder into `book/reference/`: records, pictures, models, costs."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from . import costs
from .reference_runs import ReferenceRun
from .train import file_name

if TYPE_CHECKING:
    from arae_core.results import Record

LARGEST_PICTURE = 300 * 1024  # bytes
_QUALITIES = (90, 75, 60)


def finished(run: ReferenceRun) -> dict[Path, Record]:
    """The records in the run's folder, if there is one of exactly its parameters for each of its points; else none."""
    found = {path: record for path, record in _own(run, run.folder).items() if not run.changed(record)}
    points = [record.point for record in found.values()]
    return found if all(point in points for point in run.points) else {}


def model_file(run: ReferenceRun, title: str) -> Path:
    """Where `arae train --out` leaves the model of that title."""
    return run.folder / "models" / file_name(title)


def collect(run: ReferenceRun, say: Callable[[str], object]) -> list[str]:
    """Copy what is to be kept of a finished run; records of the same chapter, profile and seed give way to its own.

    Returns what could not be kept, each in one line. OSError names the path that could not be written.
    """
    problems = [*_pictures(run, say), *_models(run)]
    if run.first:
        _costs(run)
    _records(run)  # last: they are what makes a run done
    return problems


def _records(run: ReferenceRun) -> None:
    from arae_core.results import write_whole

    there, new = _own(run, run.kept), finished(run)
    for path, record in new.items():
        write_whole(run.kept / "records" / record.file_name, path.read_bytes())
    for path in there:
        if path.name not in {record.file_name for record in new.values()}:
            path.unlink(missing_ok=True)


def _own(run: ReferenceRun, folder: Path) -> dict[Path, Record]:
    """The run's records in a folder's records/, of whatever parameters, by file; what is no record is passed over."""
    from arae_core.results import Record, RecordError

    found: dict[Path, Record] = {}
    for path in sorted((folder / "records").glob("*.json")):
        try:
            record = Record.read(path)
        except RecordError:  # half a file, or of another version of the package
            continue
        if run.own([record]):
            found[path] = record
    return found


def _pictures(run: ReferenceRun, say: Callable[[str], object]) -> list[str]:
    from arae_core.results import write_whole

    problems, folder = [], run.kept / "pictures"
    for name in run.pictures:
        sources = sorted((run.folder / "pictures").glob(f"{name}.*"))
        if not sources:
            problems.append(f"{run.title} has drawn no picture {name}")
            continue
        content, ending = _small(sources[0])
        if content is None:
            problems.append(f"{sources[0]} is larger than {LARGEST_PICTURE // 1024} KiB even as WebP: it is not kept")
            continue
        if ending != sources[0].suffix:
            say(f"{name} is kept as WebP, since its {sources[0].suffix[1:].upper()} is larger than "
                f"{LARGEST_PICTURE // 1024} KiB: pages that show it must name {name}{ending}")
        write_whole(folder / f"{name}{ending}", content)
        for other in folder.glob(f"{name}.*"):
            if other.suffix != ending:
                other.unlink()
    return problems


def _small(path: Path) -> tuple[bytes | None, str]:
    """The picture's bytes and ending: as it is, else as WebP; None if it is too large all the same."""
    content = path.read_bytes()
    if len(content) < LARGEST_PICTURE:
        return content, path.suffix
    with Image.open(path) as image:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "WEBP", quality=quality, method=6)
            if buffer.tell() < LARGEST_PICTURE:
                return buffer.getvalue(), ".webp"
    return None, ".webp"


def _models(run: ReferenceRun) -> list[str]:
    from arae_core.results import write_whole

    problems = []
    for title, name in run.models.items():
        source, target = model_file(run, title), run.kept / "models" / f"{name}.safetensors"
        if not source.is_file():
            problems.append(f"{run.title} has left no model {title!r} in {source.parent}")
            continue
        content = source.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            write_whole(target, content)
    return problems


def _costs(run: ReferenceRun) -> None:
    from arae_core.results import write_whole

    for path in sorted((run.folder / "costs").glob("*.json")):
        write_whole(run.chapter.root / costs.FOLDER / path.name, path.read_bytes())
