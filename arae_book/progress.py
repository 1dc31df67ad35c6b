"""What a run says while it runs: a line that moves on a terminal, else a line a section and a sign of life."""

import shutil
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Self, TextIO

QUIET = 30.0  # seconds without a word, where there is no terminal


class Progress:
    """Progress of one notebook: hand `cell` to the executor, and use as a context manager around it."""

    def __init__(self, title: str, cells: int, stream: TextIO | None = None):
        self.title, self.cells, self.number, self.heading = title, cells, 0, ""
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._started = self._spoken = time.monotonic()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def cell(self, cell: Mapping[str, Any], cell_index: int) -> None:
        """The cell of that index (from 0) begins."""
        self.number = cell_index + 1
        lines = cell["source"].splitlines() if cell["cell_type"] == "markdown" else []
        if headings := [line.lstrip("# ") for line in lines if line.startswith("#")]:
            self.heading = headings[-1]
            if not self._terminal:
                self._say(self._status())

    def __enter__(self) -> Self:
        self._say(f"{self.title}: {self.cells} cells")
        self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._ticker.join()
        done = f"done, {self.cells} cells" if kind is None else f"stopped at cell {self.number}/{self.cells}"
        self._say(f"{self.title}: {done} in {self._clock()}", "\r\x1b[K" * self._terminal)

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            if self._terminal:
                width = shutil.get_terminal_size().columns - 1
                self._say(f"{self._status()}  {self._clock()}"[:width], "\r\x1b[K", "")
            elif time.monotonic() - self._spoken > QUIET:
                self._say(f"{self._status()} … {self._clock()}")

    def _say(self, line: str, before: str = "", after: str = "\n") -> None:
        self._spoken = time.monotonic()
        print(before + line, end=after, file=self._stream, flush=True)

    def _status(self) -> str:
        return f"{self.title}  {self.number}/{self.cells}  {self.heading}".rstrip()

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes}:{seconds:02}"
