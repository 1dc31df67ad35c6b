"""Model cards: what is known of a reference model, in `book/reference/<profile>/models/<name>.yaml`.

A card lies beside its checkpoint, or alone where the weights are hosted elsewhere; then its size and SHA-256 decide
whether a file that was fetched is the one. `arae models --write` makes cards from checkpoints and records, so that
nothing in them is typed but the licence and the address. A card names its measures and their record, not their values.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from arae_core.store import reference_dir
from arae_core.training.safefile import CheckpointError

SUFFIX = ".safetensors"
_HEAD = "# Made by `arae models --write`, which keeps what licence and address say.\n"


class CardError(CheckpointError):
    """A model card that cannot be read or made; the message has its path, the cause and the way out."""


@dataclass(frozen=True)
class ModelCard:
    """One model. Images are float NCHW in [0, 1] on its outside; mean and std are applied inside an encoder."""

    name: str
    profile: str
    role: str  # "encoder" or "generator"
    architecture: str  # what builds it, in arae_core.encoders or .generators: "AlexNet", "mirror"
    arguments: dict[str, Any]  # that builder's
    encoder: str | None  # of a generator: the card of the encoder that it inverts
    layer: str | None  # of a generator: the layer whose features it takes
    parameters: int
    image_size: int  # pixels, of the training images
    inputs: str
    mean: list[float] | None
    std: list[float] | None
    norm: str | None  # of the attack in the encoder's training; None: there was none
    eps: float | None  # its radius, in [0, 1] pixels
    data: dict[str, str]  # name, digest, notes of the training set
    seed: int
    recipe: dict[str, Any]
    key: str  # by which a training that wants this very model finds it
    record: str | None  # the file under book/reference/<profile>/records/ that holds its measures
    measures: list[str]  # "accuracy/robust/clean", by the record's names
    bytes: int
    sha256: str
    licence: str  # kept when the card is written anew, as is the address
    source: str
    address: str | None  # where the file is hosted: any URL that fsspec reads

    @property
    def title(self) -> str:
        """"cifar10/robust-encoder"."""
        return f"{self.profile}/{self.name}"

    @property
    def file(self) -> str:
        """Where the weights lie below `book/reference/<profile>/models`, or below `$ARAE_MODELS/<profile>`."""
        return self.name + SUFFIX

    def text(self) -> str:
        """The card as YAML."""
        return _HEAD + yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True, width=110)

    def fault(self, path: Path) -> str | None:
        """In what a file differs from the card: its size or its SHA-256; None if in neither."""
        if (size := path.stat().st_size) != self.bytes:
            return f"{size:,} bytes instead of {self.bytes:,}"
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        return None if found == self.sha256 else f"SHA-256 {found} instead of {self.sha256}"

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """Read one. CardError, with the path, for what is no card or names another file than its neighbour."""
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise CardError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
        if not isinstance(content, dict):
            raise CardError(f"{path} is no model card: a {type(content).__name__} instead of fields")
        known = {field.name for field in fields(cls)}
        missing, unknown = sorted(known - content.keys()), sorted(map(str, content.keys() - known))
        if missing or unknown:
            raise CardError(f"{path} is no model card: fields missing {missing}, unknown {unknown}; "
                            "delete it, and `arae models --write` makes it anew from its checkpoint")
        wrong = [name for name, fits in _FITS.items() if not fits(content[name])]
        if wrong:
            raise CardError(f"{path} is no model card: {', '.join(f'{n} is {content[n]!r}' for n in wrong)}")
        card = cls(**content)
        if (card.profile, card.name) != (path.parents[1].name, path.stem):
            raise CardError(f"{path} is the card of {card.title}: its place and its words differ")
        return card


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


# What else of a card is used without looking, by the listing or by the loader.
_FITS = {
    "name": _text, "profile": _text, "role": ("encoder", "generator").__contains__, "architecture": _text,
    "arguments": lambda value: isinstance(value, dict),
    "data": lambda value: isinstance(value, dict) and {"name", "digest", "notes"} <= value.keys(),
    "parameters": lambda value: type(value) is int, "bytes": lambda value: type(value) is int and value > 0,
    "sha256": lambda value: _text(value) and len(value) == 64 and set(value) <= set("0123456789abcdef"),
    "key": _text, "licence": _text, "measures": _texts,
    "record": lambda value: value is None or _text(value), "address": lambda value: value is None or _text(value),
}


def model_cards(folder: Path | None = None) -> list[ModelCard]:
    """Every card below `folder` (by default the book's reference runs), by profile and name. Raises as `read`."""
    folder = folder or reference_dir()
    return [ModelCard.read(path) for path in sorted(folder.glob("*/models/*.yaml"))] if folder else []
