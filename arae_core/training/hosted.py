"""Weights that are hosted elsewhere: fetched once into the store, and only if they are what their card says.

The file is looked for below `$ARAE_MODELS` (a folder or any URL that fsspec reads, with files
<profile>/<name>.safetensors), then at the card's own address. http(s) needs aiohttp, `pip install -e '.[hosted]'`;
for other stores (s3, gs, az) fsspec says what it needs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import fsspec
from filelock import FileLock

from arae_core.store import store_dir
from arae_core.training.cards import ModelCard
from arae_core.training.safefile import CheckpointError

_CHUNK = 2**20  # bytes


class Unreachable(CheckpointError):
    """Weights that cannot be had: nobody says where they are, or that place does not give them."""


def addresses(card: ModelCard) -> list[str]:
    """Where the card's file may be, the reader's own place first."""
    base = os.environ.get("ARAE_MODELS")
    own = [f"{base.rstrip('/')}/{card.profile}/{card.file}"] if base else []
    return own + ([card.address] if card.address else [])


def hosted(card: ModelCard) -> Path:
    """The card's file in the store, fetched if it is not there; two that want it fetch it once.

    Raises:
        Unreachable: no address, or none that gives the file; each is named with its cause.
        CheckpointError: another size or digest than the card's (nothing is kept), or a store that cannot be written.
    """
    target = store_dir() / "hosted" / f"{card.sha256}.safetensors"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.is_file() or card.fault(target):
                _fetch(card, target)
    except OSError as error:
        raise CheckpointError(f"cannot keep {card.title} as {target}: {error}; set ARAE_STORE to a folder with "
                              "room that you may write") from error
    return target


def _fetch(card: ModelCard, target: Path) -> None:
    causes = []
    for address in addresses(card):
        try:
            return _copy(address, card, target)
        except Unreachable as error:
            causes.append(str(error))
    if causes:
        raise Unreachable(f"the weights of {card.title} could not be fetched: {'; '.join(causes)}")
    raise Unreachable(f"the weights of {card.title} are not here, and its card has no address: set ARAE_MODELS to the "
                      f"folder or URL that holds {card.profile}/{card.file}")


def _copy(address: str, card: ModelCard, target: Path) -> None:
    """Size and digest are taken on the way; the file gets its name only if both are right."""
    partial = target.with_suffix(".partial")  # ours alone while we hold the lock
    whole, size = hashlib.sha256(), 0
    try:
        with open(partial, "wb") as file, closing(_chunks(address)) as chunks:
            for chunk in chunks:
                size += len(chunk)
                if size > card.bytes:
                    raise CheckpointError(f"{address} is refused: it is longer than the {card.bytes:,} bytes of "
                                          f"{card.title}; nothing was kept")
                whole.update(chunk)
                file.write(chunk)
        if whole.hexdigest() != card.sha256:
            raise CheckpointError(
                f"{address} is refused: its {size:,} bytes have SHA-256 {whole.hexdigest()}, the card of {card.title} "
                f"says {card.bytes:,} bytes with {card.sha256}; nothing was kept")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def _chunks(address: str) -> Iterator[bytes]:
    try:
        with fsspec.open(address, "rb") as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except ImportError as error:
        way_out = "; pip install -e '.[hosted]'" if address.startswith("http") else ""
        raise Unreachable(f"{address} needs a package that is not installed ({error}){way_out}") from error
    except Exception as error:  # each kind of store has its own, and few are OSErrors
        raise Unreachable(f"{address}: {type(error).__name__}: {' '.join(str(error).split())}") from error
