"""Models of the reference runs: committed under `book/reference/<profile>/models/`, or hosted and known by a card."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch import nn

from arae_core.store import reference_dir
from arae_core.training import safefile
from arae_core.training.cards import SUFFIX, ModelCard, model_cards
from arae_core.training.hosted import Unreachable, addresses, hosted


def reference_model(module: nn.Module, profile: str, name: str) -> nn.Module:
    """Load the reference model `name` ("robust-encoder", say) into a module of its architecture; returned in eval mode.

    Unlike `trained_classifier` this needs no data: a reader without the data set has the reference models too.
    The network is used only if the file is not here, and then once; see `hosted`.

    Raises:
        CheckpointError: there is no such model (those there are listed), it cannot be fetched or is not what its
            card says, or it does not fit the module.
    """
    safefile.load_into(module, reference_file(profile, name))
    return module.eval()


def reference_file(profile: str, name: str) -> Path:
    """The weights' file, here or fetched. Raises CheckpointError as `reference_model`."""
    folder = reference_dir()
    path = folder / profile / "models" / (name + SUFFIX) if folder else None
    if path is not None and path.exists():
        return path
    if path is not None and (card := path.with_suffix(".yaml")).exists():
        return hosted(ModelCard.read(card))
    there = {p.stem for p in folder.glob(f"{profile}/models/*") if p.suffix in (SUFFIX, ".yaml")} if folder else ()
    raise safefile.CheckpointError(f"no reference model {name!r} of profile {profile!r} at {path}; "
                                   f"there are {', '.join(sorted(there)) or 'none'}")


def reference_by_key(key: str) -> Path | None:
    """The reference model that a training under this key would make; file names are for people.

    Of those that are not here, one is fetched only if it is that very model, and a place that does not answer is no
    reason not to train: that is a warning. Raises CheckpointError for a file that is not what its card says.
    """
    folder = reference_dir()
    for path in sorted(folder.glob("*/models/*" + SUFFIX)) if folder else ():
        if safefile.card(path).get("key") == key:
            return path
    for card in model_cards():
        if card.key == key and addresses(card):
            try:
                return hosted(card)
            except Unreachable as error:
                warnings.warn(f"{error}; it is trained instead", stacklevel=2)
    return None
