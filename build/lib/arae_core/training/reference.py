"""Models of the reference runs, committed under `book/reference/<profile>/models/`."""

from __future__ import annotations

from torch import nn

from arae_core.store import reference_dir
from arae_core.training import safefile


def reference_model(module: nn.Module, profile: str, name: str) -> nn.Module:
    """Load the committed model `name` ("robust-encoder", say) into a module of its architecture; returned in eval mode.

    Unlike `trained_classifier` this needs no data: a reader without the data set has the reference models too.

    Raises:
        CheckpointError: there is no such file (those there are listed), or it does not fit the module.
    """
    folder = reference_dir()
    path = folder / profile / "models" / f"{name}.safetensors" if folder else None
    if path is None or not path.exists():
        there = sorted(p.stem for p in folder.glob(f"{profile}/models/*.safetensors")) if folder else []
        raise safefile.CheckpointError(f"no reference model {name!r} of profile {profile!r} at {path}; "
                                       f"there are {', '.join(there) or 'none'}")
    safefile.load_into(module, path)
    return module.eval()
