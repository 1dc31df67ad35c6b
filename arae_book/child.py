"""`arae` in a process of its own: it ends with whoever started it, and its last words say why it failed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOPPED = "stopped"
PATIENCE = 60.0  # seconds that a process has to save and end
_LOOK = 0.2  # seconds between two looks at a running process
_ERROR = "arae: "  # how the command begins the line that says what went wrong


def run_arae(words: Sequence[str], log: Path, environment: Mapping[str, str],
             stopped: Callable[[], bool] = lambda: False) -> str:
    """Run `arae WORDS…` with these variables; return "" when it is done, else in one line why it is not.

    log: holds what it says. stopped: asked again and again; True ends it, as Ctrl-C and SIGTERM here do: it is then
    given the time to save.
    """
    command = [sys.executable, "-m", "arae_book.lifeline", *words]
    with open(log, "wb") as file, subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=file, env=environment,
            start_new_session=True) as process:  # Ctrl-C is for the starter, which passes it on
        try:
            while process.poll() is None:
                if stopped():
                    _end(process)
                    return STOPPED
                try:
                    process.wait(_LOOK)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            _end(process)
            raise
    return "" if process.returncode == 0 else _why(process.returncode, log)


def _why(code: int, log: Path) -> str:
    """Its last words, else how it ended."""
    said = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    begins = max((number for number, line in enumerate(said) if line.startswith(_ERROR)), default=None)
    if begins is not None:
        return " ".join(" ".join(said[begins:]).removeprefix(_ERROR).split())
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"its process {how}; see {log}"


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
