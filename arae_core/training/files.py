"""Safetensors files that are either whole or not there.

A checkpoint is written beside its final name and moved over it, so that a kill or a full disk
leaves the previous one. It carries a digest of its tensors; nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message has its path, the cause and the way out."""


def digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256 (16 hex digits) over names, types, shapes and values."""
    whole = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        whole.update(f"{name}:{value.dtype}:{tuple(value.shape)}:".encode())
        whole.update(value.reshape(-1).view(torch.uint8).numpy())
    return whole.hexdigest()[:16]


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write atomically. Raises CheckpointError with path and cause if the disk refuses."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        save_file(tensors, temporary, metadata={**metadata, "digest": digest(tensors)})
        os.chmod(temporary, 0o644)  # mkstemp is for secrets, this is not
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {path}: {error}; set ARAE_STORE to a folder with room") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def card(path: Path) -> dict[str, str]:
    """What a file says of itself, without reading its tensors. Raises CheckpointError as `load`."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}); delete it to train anew") from error


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, by name, without reading any. Raises CheckpointError as `load`."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error})") from error


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata; refuse what is truncated, altered or not safetensors."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except FileNotFoundError as error:
        raise CheckpointError(f"no checkpoint at {path}") from error
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}); delete it to train anew") from error
    expected, found = metadata.get("digest"), digest(tensors)
    if expected != found:
        raise CheckpointError(f"{path} was altered: its tensors have digest {found}, it says {expected}; "
                              "delete it to train anew")
    return tensors, metadata


def load_into(module: nn.Module, path: Path) -> dict[str, str]:
    """Load weights into a module of the same architecture and return the metadata.

    Raises:
        CheckpointError: foreign weights; missing, extra and misshapen names are listed.
    """
    tensors, metadata = load(path)
    own = module.state_dict()
    missing, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    shapes = [f"{name} {tuple(tensors[name].shape)} for {tuple(own[name].shape)}"
              for name in sorted(own.keys() & tensors.keys()) if own[name].shape != tensors[name].shape]
    if missing or extra or shapes:
        raise CheckpointError(f"{path} does not fit a {type(module).__name__}: missing {missing or 'none'}, "
                              f"extra {extra or 'none'}, other shapes {shapes or 'none'}")
    module.load_state_dict(tensors)
    return metadata
