"""Safetensors files that are either whole or not there.

A checkpoint carries a digest of its tensors and of what it says of itself; nothing is ever unpickled.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from arae_core.store import write_whole


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message has its path, the cause and the way out."""


def digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256 (16 hex digits) over names, types, shapes and values."""
    whole = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        whole.update(f"{name}:{value.dtype}:{tuple(value.shape)}:".encode())
        whole.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()[:16]


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write atomically. Raises CheckpointError with path and cause if the disk refuses."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    said = {**metadata, "digest": digest(tensors)}
    said["metadata_digest"] = _metadata_digest(said)
    try:
        write_whole(path, safetensors.torch.save(tensors, said))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {path}: {error}; set ARAE_STORE to a place with room") from error


def metadata_of(path: Path) -> dict[str, str]:
    """What a file says of itself, without reading its tensors. Raises CheckpointError as `load`."""
    with _opened(path) as file:
        metadata = file.metadata() or {}
    expected = metadata.get("metadata_digest")
    _unaltered(path, "what it says of itself has", _metadata_digest(metadata), expected)
    return metadata


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata; refuse what is truncated, altered or not safetensors."""
    metadata = metadata_of(path)
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    _unaltered(path, "its tensors have", digest(tensors), metadata.get("digest"))
    return tensors, metadata


def load_into(module: nn.Module, path: Path) -> dict[str, str]:
    """Load weights into a module of the same architecture and return the metadata.

    Raises:
        CheckpointError: foreign weights; missing, extra and misshapen names are listed.
    """
    tensors, metadata = load(path)
    own = module.state_dict()
    missing, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    shapes = [
        f"{name} {tuple(tensors[name].shape)} for {tuple(own[name].shape)}"
        for name in sorted(own.keys() & tensors.keys())
        if own[name].shape != tensors[name].shape
    ]
    if missing or extra or shapes:
        found = f"missing {missing or 'none'}, extra {extra or 'none'}, other shapes {shapes or 'none'}"
        raise CheckpointError(f"{path} does not fit a {type(module).__name__}: {found}")
    module.load_state_dict(tensors)
    return metadata


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError as error:
        raise CheckpointError(f"no checkpoint at {path}") from error
    except (OSError, SafetensorError) as error:
        reason = f"is not a whole safetensors file ({error}); delete it to train anew"
        raise CheckpointError(f"{path} {reason}") from error


def _unaltered(path: Path, what: str, found: str, expected: str | None) -> None:
    if found != expected:
        raise CheckpointError(f"{path} was altered: {what} digest {found}, not {expected}; delete it")


def _metadata_digest(metadata: Mapping[str, str]) -> str:
    said = {name: value for name, value in metadata.items() if name != "metadata_digest"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
