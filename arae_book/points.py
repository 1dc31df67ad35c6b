"""One point of a sweep: `arae run` in a process of its own, into a folder of its own.

Beside the executed notebook lies `run.json`, written last: the digest of the notebook, package, settings and
libraries that the point was made from. A point without it, or with another one, is run again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from .chapters import Chapter
from .child import PATIENCE, run_arae
from .pages import run_digest

_STAMP = "run.json"


@dataclass(frozen=True)
class Point:
    """One combination of values. A process elsewhere can take it too: paths are absolute, the rest plain."""

    chapter: Chapter
    profile: str
    given: tuple[tuple[str, str], ...]  # the values as text, for the command line of `arae run`
    values: dict[str, Any]  # the same, parsed
    settings: dict[str, Any]  # these and the profile's
    folder: Path
    digest: str  # `pages.run_digest` when the sweep began
    lpips: bool  # whether LPIPS could be computed then

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def notebook(self) -> Path:
        return self.folder / f"{self.chapter.name}.ipynb"

    @property
    def log(self) -> Path:
        """What the run says, while it runs and afterwards."""
        return self.folder / f"{self.chapter.name}.log"

    def done(self) -> bool:
        """Whether the executed notebook is there, made from what would make it now."""
        return self.notebook.is_file() and _digest_in(self.folder / _STAMP) == self.digest

    def outdated(self) -> bool:
        """Whether it is there, but made from something else."""
        return self.notebook.is_file() and not self.done()

    def unchanged(self) -> bool:
        """Whether this process sees the notebook, package and libraries that the sweep began with."""
        try:
            return run_digest(self.chapter, self.settings, lpips=self.lpips) == self.digest
        except (OSError, ValueError):  # not there, or half-written
            return False

    def run(self, environment: Mapping[str, str], stopped: Callable[[], bool]) -> str:
        """Run it; return "" when it is done, else in one line why it is not.

        environment: the new process's variables. stopped: asked again and again; True ends the run.
        """
        if not self.unchanged():
            return "notebook, package or libraries are no longer those that the sweep began with: sweep again"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = self.folder / f".{self.chapter.name}.lock"
            with filelock.FileLock(lock, timeout=PATIENCE):
                if self.done():  # by the run that we waited for
                    return ""
                self._clear()
            started = time.time()
            why = self._execute(environment, stopped)
            if not why:
                self._stamp(time.time() - started)
            return why
        except filelock.Timeout:
            return f"another run has been writing {self.notebook} for more than a minute"
        except OSError as error:
            return str(error)

    def _clear(self) -> None:
        """Remove what an earlier run left, lest its records be taken for this one's. Stamp first."""
        failed = self.folder / f"{self.chapter.name}.failed.ipynb"
        for path in (self.folder / _STAMP, self.notebook, failed):
            path.unlink(missing_ok=True)
        for name in ("records", "pictures"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _execute(self, environment: Mapping[str, str], stopped: Callable[[], bool]) -> str:
        words = [word for key, text in self.given for word in ("-p", key, text)]
        return run_arae(["run", self.chapter.name, "--profile", self.profile, *words, "--out", str(self.folder)],
                        self.log, environment, stopped)

    def _stamp(self, seconds: float) -> None:
        unfinished = self.folder / f".{_STAMP}"
        content = {"digest": self.digest, "settings": self.settings, "seconds": round(seconds, 1)}
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(unfinished, self.folder / _STAMP)


def _digest_in(stamp: Path) -> str | None:
    try:
        return json.loads(stamp.read_text("utf-8"))["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
