"""The reference models, as a list (`arae models`) and on the page "Models": what their files say of themselves."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from .runs import RunFailed

HEAD = ("model", "network", "data", "attack", "seed", "size", "SHA-256")


def list_models(root: Path, say: Callable[[str], object]) -> None:
    """Say a line for each model. RunFailed for a file that is none."""
    from arae_core.training import CheckpointError

    try:
        say(models_page().rstrip())
    except CheckpointError as error:
        raise RunFailed(str(error)) from error


def models_page() -> str:
    """The same as a Markdown table, its columns aligned. Raises CheckpointError for a file that is none."""
    rows = [list(HEAD), *_rows()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, ["-" * width for width in widths])
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "".join(f"| {line} |\n" for line in lines) if lines[2:] else "There are no models.\n"


def _rows() -> Iterator[list[str]]:
    from arae_core.training.reference import reference_models

    for profile, name, path, said in reference_models():
        network, content = json.loads(said["declared"])["model"], path.read_bytes()
        arguments = ", ".join(f"{key}={_short(value)}" for key, value in network["arguments"].items())
        data = said["data"].split()[0] + (f" ({said['notes']})" if said["notes"] else "")
        attack = json.loads(said["config"]).get("attack", {})  # null: none; generators are not asked
        shown = "none" if attack is None else f"{attack['norm']}, {attack['eps']:g}" if attack else ""
        trained = [data, shown, said["seed"]]
        file = [f"{len(content) / 1e6:.2f} MB", hashlib.sha256(content).hexdigest()[:8]]
        yield [f"{profile}/{name}", f"{network['network']}({arguments})", *trained, *file]


def _short(value: object) -> object:
    """Of a network among the arguments its name."""
    return value["network"] if isinstance(value, dict) else value
