"""What a run of a chapter cost: `OUT/costs/<chapter>-<profile>-<machine>.json`, one a run.

Those that are committed, in `book/reference/costs/`, are what the pages' tables and the estimates are drawn from.
They are no part of a page's digest: a new one makes no chapter run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import probe
from .chapters import DEFAULT, Chapter, Refused
from .parameters import defaults

FOLDER = Path("book/reference/costs")


class CostError(ValueError):
    """A file among the cost records that is none."""


@dataclass(frozen=True)
class Cost:
    """One run. `given`: parameters beyond the profile's; a run with any is no example of its profile."""

    chapter: str
    profile: str
    given: dict[str, Any]
    seconds: float  # of the whole notebook, its kernel's start with it
    models: list[dict[str, Any]]  # name, found, trained (its training's seconds), spent (of this run)
    memory: float | None  # GiB, the most that the kernel's process held; None: this system does not say
    gpu_memory: float | None  # GiB, the most that torch had allocated; None: on a CPU
    machine: dict[str, Any]  # device, cores, bf16
    threads: int | None
    speed: float | None  # images a second in the probe before the run; None: not probed
    versions: dict[str, str]
    commit: str | None
    dirty: bool | None
    created: str  # UTC, ISO 8601

    @property
    def kept(self) -> float:
        """Seconds with every model in the store: without what went into models this time."""
        return max(0.0, self.seconds - sum(model["spent"] for model in self.models))

    @property
    def training(self) -> dict[str, float]:
        """Seconds that the training of each model took, by name; found or not."""
        return {model["name"]: model["trained"] for model in self.models}

    @property
    def from_nothing(self) -> float:
        """Seconds with no model in the store."""
        return self.kept + sum(self.training.values())

    @property
    def file_name(self) -> str:
        """A run on the same kind of machine replaces its predecessor; parameters of its own keep it apart."""
        apart = [self.machine, self.threads] + ([self.given] if self.given else [])
        short = hashlib.sha256(json.dumps(apart, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.chapter}-{self.profile}-{short}.json"

    def write(self, folder: Path) -> Path:
        """Write it into the folder, whole or not at all; return the path."""
        folder.mkdir(parents=True, exist_ok=True)
        path, unfinished = folder / self.file_name, folder / f".{self.file_name}"
        try:
            unfinished.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path

    @classmethod
    def read(cls, path: Path) -> Cost:
        """Raises CostError, with the path, for what is no cost record."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = {field.name for field in fields(cls)}
            if not isinstance(content, dict) or content.keys() != known:
                raise CostError(f"its fields are not {', '.join(sorted(known))}")
            cost = cls(**content)
            for number in (cost.seconds, cost.from_nothing, cost.memory or 0, cost.gpu_memory or 0, cost.speed or 1):
                if not 0 <= number < float("inf"):
                    raise CostError(f"{number!r} is no time, memory or speed")
            machine_text(cost)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CostError(f"{path} is no cost record ({' '.join(str(error).split())}): delete it, or run the "
                            "chapter again and copy the new one") from error
        return cost


def recorded(root: Path) -> list[Cost]:
    """The committed costs of whole profiles, by file name. Raises as `Cost.read`."""
    return [cost for cost in all_recorded(root) if not cost.given]


def all_recorded(root: Path) -> list[Cost]:
    """These, and those of runs with parameters beyond the profile's."""
    return [Cost.read(path) for path in sorted((root / FOLDER).glob("*.json"))]


def keep(chapter: Chapter, settings: Mapping[str, Any], seconds: float, account: Path, folder: Path) -> Path | None:
    """Write the cost of a run that has ended; None if that was not possible, which is no reason to fail a run.

    account: the file in which the kernel noted its models and, last, its footprint.
    """
    try:
        *models, last = [json.loads(line) for line in account.read_text("utf-8").splitlines()]
        profile, given = beyond_the_profile(chapter, settings)
        return Cost(chapter.name, profile, given, round(seconds, 1), _once(models), speed=probe.measured(), **last,
                    created=datetime.now(timezone.utc).isoformat(timespec="seconds")).write(folder)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def beyond_the_profile(chapter: Chapter, settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The profile that the settings name, and those among them that neither it nor the notebook has."""
    profile = settings.get("profile", DEFAULT)
    try:
        usual = {"profile": profile, **defaults(chapter), **chapter.profile(profile)}
    except Refused:
        profile, usual = DEFAULT, defaults(chapter)
    own = {name: value for name, value in settings.items() if name != "profile" and usual.get(name) != value}
    return profile, own


def _once(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A model that the notebook asked for again was found then, and cost nothing more but the loading."""
    first: dict[str, dict[str, Any]] = {}
    for model in models:
        if model["name"] in first:
            spent = round(first[model["name"]]["spent"] + model["spent"], 2)
            first[model["name"]] = {**first[model["name"]], "spent": spent}
        else:
            first[model["name"]] = model
    return list(first.values())


def machine_text(cost: Cost) -> str:
    """ "2 cores, bf16" or "NVIDIA A100, bf16"."""
    device, cores, bf16 = (cost.machine[name] for name in ("device", "cores", "bf16"))
    words = [re.sub(r"^cuda: ", "", device)] if device != "cpu" else [f"{cores} core{'s' * (cores != 1)}"]
    words += {True: ["bf16"], False: ["float32"], None: []}[bf16]
    if device == "cpu" and cost.threads not in (None, cores):
        words.append(f"{cost.threads} thread{'s' * (cost.threads != 1)}")
    return ", ".join(words)


def clock(seconds: float) -> str:
    """ "1:30", or "2:05:00" from an hour on."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
