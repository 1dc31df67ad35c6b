"""Whole pictures by name: embedded photographs and textures, and folders of the reader's own."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image
from torch import Tensor

from arae_core.data.photos import photo_names, photograph, texture, texture_names
from arae_core.data.pictures import UnreadableImageError, picture, picture_files, rescaled
from arae_core.data.places import Root, check_integer


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
            sha.update((x * 255).round().byte().cpu().contiguous().numpy().data)
        return sha.hexdigest()[:16]


def gallery(wanted: Sequence[str], *, longest_side: int = 0, root: Root = None) -> Gallery:
    """The pictures of a list in which each entry names a photograph, a texture, or a folder of pictures.

    Args:
        wanted: names of `photo_names` and `texture_names`; anything else is a folder, a path or one under the
            data root, all of whose pictures are taken
        longest_side: of a picture, in pixels; larger ones are scaled down to it. 0: as they are
        root: where data sets lie, instead of $ARAE_DATA

    Raises ValueError for an empty list, a negative side, or two pictures of one name; MissingDataError for no such
    folder; UnreadableImageError for a file that cannot be read.
    """
    if not wanted:
        raise ValueError("a gallery needs the name of a picture at least")
    check_integer("longest_side", longest_side, least=0)
    found: dict[str, Tensor] = {}
    sources: list[str] = []
    for name in wanted:
        if name in photo_names():
            source, new = "photographs", [(name, photograph(name))]
        elif name in texture_names():
            source, new = "textures", [(name, texture(name))]
        else:
            source, new = Path(name).name, [(p.stem, picture(p)) for p in picture_files(name, root=root)]
        for key, x in new:
            if key in found:
                raise ValueError(f"two pictures are called {key}: rename one, they are told apart by name")
            longest = max(x.shape[2:])
            found[key] = rescaled(x, longest_side / longest) if 0 < longest_side < longest else x
        sources.append(source)
    return Gallery(" + ".join(dict.fromkeys(sources)), found)


def require_pictures(wanted: Iterable[str], *, least_side: int = 1, root: Root = None) -> None:
    """What `gallery` would refuse after reading everything, from the files' heads alone.

    Raises ValueError: MissingDataError for a folder that is not there; UnreadableImageError for a file that is no
    picture; or for a picture with a side of less than `least_side` pixels, with its name.
    """
    for name in wanted:
        for file in () if name in photo_names() + texture_names() else picture_files(name, root=root):
            try:
                with Image.open(file) as image:
                    width, height = image.size
            except Exception as error:  # PIL raises almost anything
                raise UnreadableImageError(f"cannot read {file}: {error}") from error
            if min(width, height) < least_side:
                raise ValueError(f"{file} has {width} x {height} pixels: a side needs {least_side} at least")
