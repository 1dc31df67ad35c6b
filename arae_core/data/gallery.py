"""Whole pictures by name: embedded photographs and textures, and folders of the reader's own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor

from arae_core.data.photos import photo_names, photograph, texture, texture_names
from arae_core.data.picture_folder import picture_files
from arae_core.data.pictures import picture
from arae_core.data.scaling import rescaled


@dataclass(frozen=True)
class Gallery:
    """Pictures (1, 3, H, W) in [0, 1] by their names, each of its own size; `name` says where they come from."""

    name: str
    pictures: dict[str, Tensor]
    notes: str = ""

    @cached_property
    def digest(self) -> str:
        """16 hex digits of the SHA-256 of all names, shapes and pixels."""
        sha = hashlib.sha256()
        for name, x in self.pictures.items():
            sha.update(repr((name, tuple(x.shape))).encode())
            sha.update((x * 255).round().byte().cpu().contiguous().numpy())
        return sha.hexdigest()[:16]


def gallery(wanted: Sequence[str], *, longest_side: int = 0, root: str | Path | None = None) -> Gallery:
    """The pictures of a list in which each entry names a photograph, a texture, or a folder of pictures.

    Args:
        wanted: names of `photo_names` and `texture_names`; anything else is a folder, a path or one under the data
            root, all of whose pictures are taken.
        longest_side: of a picture, in pixels; larger ones are scaled down to it. 0: as they are.
        root: where data sets lie, instead of $ARAE_DATA.

    Raises:
        ValueError: an empty list, a negative side, or two pictures of one name.
        MissingDataError: no such folder. UnreadableImageError: a file that cannot be read.
    """
    if not wanted or type(longest_side) is not int or longest_side < 0:
        raise ValueError(f"a gallery needs a name at least, and a side of pixels from 0 on: {wanted!r}, {longest_side!r}")
    found: list[tuple[str, str, Tensor]] = []
    for name in wanted:
        if name in photo_names():
            found.append(("photographs", name, photograph(name)))
        elif name in texture_names():
            found.append(("textures", name, texture(name)))
        else:
            source = Path(name).name
            found += [(source, file.stem, picture(file)) for file in picture_files(name, root=root)]
    names = [name for _, name, _ in found]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two pictures are called {', '.join(twice)}: rename one, they are told apart by name")
    sources = " + ".join(dict.fromkeys(source for source, _, _ in found))
    return Gallery(sources, {name: _within(x, longest_side) for _, name, x in found})


def _within(x: Tensor, longest_side: int) -> Tensor:
    longest = max(x.shape[2:])
    return rescaled(x, longest_side / longest) if 0 < longest_side < longest else x
