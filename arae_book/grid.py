"""The points of a sweep: all combinations of the values that `-p KEY V1,V2,…` lists, checked before one runs.

A list is split at the commas outside brackets and quotes (YAML's own flow sequence), and each item is then
what `arae run -p KEY ITEM` takes. A point's folder is named after its values: `eps=0.5,seed=1`. A value that
such a name cannot hold, or not exactly, ends in a digest: `layers=conv1_conv2~6f1d2a07`.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from . import runs
from .chapters import Chapter, Refused
from .profiles import Settings, asked

Lists = Iterable[tuple[str, str]]  # parameter and its values, as on the command line
_LONGEST_VALUE, _LONGEST_NAME = 32, 120  # of a file name's 255 bytes
_ODD = re.compile(r"[^A-Za-z0-9.+=_-]+")


@dataclass(frozen=True)
class Point:
    """One combination of values. A process elsewhere can take it too: paths are absolute, the rest plain."""

    chapter: Chapter
    values: dict[str, Any]
    settings: Settings  # these and the profile's
    folder: Path
    source: str  # `runs.source_digest` when the sweep began

    @property
    def name(self) -> str:
        return self.folder.name

    def done(self) -> bool:
        """Whether the executed notebook is there, made from what would make it now."""
        return runs.is_current(self.folder, self.chapter, self.settings)

    def unchanged(self) -> bool:
        """Whether this process sees the notebook, package and libraries that the sweep began with."""
        try:
            return runs.source_digest(self.chapter) == self.source
        except (OSError, ValueError):  # not there, or half-written
            return False


def grid(chapter: Chapter, profile: str, lists: Lists, out: Path) -> list[Point]:
    """The points in the order of the lists, the last one varying fastest; nothing is written.

    Refused: no list, an empty one or an empty item, the same parameter or the same value (1 and 1.0) twice, and all
    that `profiles.asked` refuses.
    """
    at = partial(asked, chapter.name, profile, root=chapter.root)
    known = at().literals()
    axes: dict[str, list[tuple[str, Any]]] = {}  # parameter: its values as text and as parsed
    for key, text in lists:
        if key in axes:
            raise Refused(f"-p {key} is given twice: write all its values in one list")
        items = _split(key, text, plain=isinstance(known.get(key), str))
        axes[key] = [(item, at([(key, item)]).literals()[key]) for item in items]
        for (text, value), (other, again) in itertools.combinations(axes[key], 2):
            if value == again:
                raise Refused(f"-p {key} has the same value twice: {text} and {other}")
    if not axes:
        raise Refused(f"nothing to sweep: give {chapter.name} at least one list of values, -p KEY V1,V2,…")
    source = runs.source_digest(chapter)
    points = []
    for combination in itertools.product(*axes.values()):
        values = {key: value for key, (_, value) in zip(axes, combination)}
        settings = at([(key, text) for key, (text, _) in zip(axes, combination)])
        points.append(Point(chapter, values, settings, out / folder_name(values), source))
    return points


def folder_name(values: dict[str, Any]) -> str:
    """A name for these values, whatever the order of the parameters: letters, digits and `.+=_-,~` only."""
    name = ",".join(f"{key}={_shown(values[key])}" for key in sorted(values))
    return name if len(name) <= _LONGEST_NAME else _shortened(name, values, _LONGEST_NAME)


def _split(key: str, text: str, *, plain: bool) -> list[str]:
    """The items as they stand in the text; of plain text, without the quotes around them."""
    try:
        nodes = yaml.compose(f"[{text}]").value
    except yaml.YAMLError as error:
        why = getattr(error, "problem", None) or str(error)
        how = "close brackets and quotes, leave no item empty, and put quotes around an item with odd signs"
        raise Refused(f"-p {key} {text!r} is no list of values ({why}): {how}") from error
    if not nodes or text.rstrip().endswith(","):
        raise Refused(f"-p {key} {text!r} has {'an empty item' if nodes else 'no values'}")
    whole = [text[node.start_mark.index - 1 : node.end_mark.index - 1].strip() for node in nodes]
    return [
        node.value if plain and isinstance(node, yaml.ScalarNode) else item
        for node, item in zip(nodes, whole)
    ]


def _shown(value: Any) -> str:
    exact = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, float):
        exact = exact.removesuffix(".0")  # 1 and 1.0 are one point
    readable = "_".join(map(str, value)) if isinstance(value, list | tuple) else exact
    safe = _ODD.sub("_", readable)
    return safe if safe == exact and len(safe) <= _LONGEST_VALUE else _shortened(safe, value, _LONGEST_VALUE)


def _shortened(text: str, exactly: Any, length: int) -> str:
    digest = hashlib.sha256(json.dumps(exactly, sort_keys=True).encode()).hexdigest()[:8]
    return f"{text[: length - 9].rstrip('_,')}~{digest}"
