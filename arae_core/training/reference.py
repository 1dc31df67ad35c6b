"""Models of the reference runs: committed under `book/reference/<profile>/models/`, or hosted elsewhere.

Each file's metadata say what it is: network and arguments, data, seed, recipe, key. Those too large to commit stand in
`book/reference/hosted.yaml` by "<profile>/<name>", with `url`, `sha256` and `key`; pooch fetches them into the store.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch
import yaml
from torch import nn

from arae_core import networks
from arae_core.data import AbsentImages
from arae_core.store import asked, reference_dir, store_dir
from arae_core.training import files

SUFFIX = ".safetensors"
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    builder.__name__: builder
    for builder in (networks.AlexNet, networks.VGG16, networks.ResNet18, networks.WideResNet28_10, networks.mirror,
                    networks.alexnet_inverter)
}  # fmt: skip


def reference_model(profile: str, name: str) -> nn.Module:
    """The reference model `name` ("robust-encoder", say), built from what its file says, loaded, in evaluation mode.

    No data are needed: a reader without the data set has the reference models too.

    Raises:
        CheckpointError: there is no such model (those there are listed), it cannot be fetched or was altered, or it is
            of a network that this package does not have.
    """
    path = reference_file(profile, name)
    specification = json.loads(files.metadata_of(path)["declared"])["model"]
    try:
        model = built_from(specification)
    except (KeyError, TypeError, ValueError) as error:
        raise files.CheckpointError(f"{path} holds a network that cannot be built here ({error})") from error
    files.load_into(model, path)
    return model.eval()


def reference_data(profile: str) -> AbsentImages:
    """What the profile's reference encoders were trained on, as their file says; the images need not be here.

    Raises CheckpointError as `reference_model`.
    """
    said = files.metadata_of(reference_file(profile, "robust-encoder"))
    name, digest = said["data"].rsplit(" ", 1)
    classes = json.loads(said["declared"])["model"]["arguments"]["num_classes"]
    return AbsentImages(name, digest, classes, said["notes"])


def unlike(declared: dict[str, Any]) -> str:
    """For an error: the reference model that comes nearest to a declaration, and in what it is another."""
    ours = _flat(declared)
    nearest = None
    for profile, name, _, said in reference_models():
        theirs = _flat(json.loads(said["declared"]))
        odd = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
        if theirs["loop"] == ours["loop"] and (nearest is None or len(odd) < nearest[0]):
            each = (
                f"{key} {theirs.get(key, 'the default')}, not {ours.get(key, 'the default')}"
                for key in sorted(odd)
            )
            nearest = len(odd), f"the nearest, {profile}/{name}, has {'; '.join(each)}"
    return nearest[1] if nearest else "there is none of its kind"


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return flat


def built_from(specification: dict[str, Any]) -> nn.Module:
    """The untrained network of a `networks.specification`, those in its arguments alike."""
    from arae_core.systems import denoising  # systems import this package, and its decoders are models too

    arguments = {
        name: built_from(value) if isinstance(value, dict) and "network" in value else value
        for name, value in specification["arguments"].items()
    }
    wavelets = {"WaveletDecoder": denoising.WaveletDecoder, "WaveletEncoder": denoising.WaveletEncoder}
    return (BUILDERS | wavelets)[specification["network"]](**arguments)


def reference_models() -> list[tuple[str, str, Path, dict[str, str]]]:
    """(profile, name, path, metadata) of each committed model. Raises CheckpointError for a file that was altered."""
    folder = reference_dir()
    paths = sorted(folder.glob("*/models/*" + SUFFIX)) if folder else []
    return [(path.parent.parent.name, path.stem, path, files.metadata_of(path)) for path in paths]


def reference_file(profile: str, name: str) -> Path:
    """The weights' file, here or fetched. Raises CheckpointError as `reference_model`."""
    folder = reference_dir()
    if folder is not None:
        path = folder / profile / "models" / (name + SUFFIX)
        asked.add(path)
        if path.is_file():
            return path
        asked.add(folder / "hosted.yaml")
    elsewhere = hosted_models()
    if f"{profile}/{name}" in elsewhere:
        return _fetched(f"{profile}/{name}", elsewhere[f"{profile}/{name}"])
    there = [f"{p}/{n}" for p, n, *_ in reference_models()] + list(elsewhere)
    listed = ", ".join(there) or "none"
    raise files.CheckpointError(f"no reference model {name!r} of {profile!r} in {folder}; there are {listed}")


def reference_by_key(key: str) -> Path | None:
    """The reference model that a training under this key would make; file names are for people.

    A place that does not answer is no reason not to train: that is a warning. Raises CheckpointError for a file that is
    not what it says.
    """
    for *_, path, said in reference_models():
        if said.get("key") == key:
            asked.add(path)
            return path
    for name, entry in hosted_models().items():
        if entry["key"] == key:
            try:
                return _fetched(name, entry)
            except files.CheckpointError as error:
                warnings.warn(f"{error}; it is trained instead", stacklevel=2)
    return None


def hosted_models() -> dict[str, dict[str, str]]:
    """The entries of `hosted.yaml`. Raises CheckpointError if it does not hold what it should."""
    folder = reference_dir()
    path = folder / "hosted.yaml" if folder else None
    if path is None or not path.is_file():
        return {}
    try:
        entries = yaml.safe_load(path.read_text("utf-8")) or {}
        if wrong := [name for name, its in entries.items() if set(its) != {"url", "sha256", "key"}]:
            raise ValueError(f"{wrong[0]} needs url, sha256 and key, and no more")
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise files.CheckpointError(f"{path}: {' '.join(str(error).split())}") from error
    return entries


def _fetched(name: str, entry: dict[str, str]) -> Path:
    folder = store_dir() / "hosted"
    try:
        return Path(pooch.retrieve(entry["url"], entry["sha256"], f"{entry['sha256']}{SUFFIX}", folder))
    except Exception as error:  # each kind of address has its own
        cause = f"from {entry['url']}: {' '.join(str(error).split())}"
        raise files.CheckpointError(f"the weights of {name} could not be fetched {cause}") from error
