"""Papermill's own engine, but with a say in the kernel's process: its environment, where its raw error output goes
(ipykernel complains there at length when it is interrupted), its interruption, and what it used, which it says last."""

import ast
import inspect
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Self, TextIO

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

ENGINE = "arae"
QUIET = 30.0  # seconds without a word
_STARTS = 3
_LOOK = 0.2  # seconds between two looks whether to stop
logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # nbclient, when stopped, leaves failed tasks behind


class Progress:
    """What one notebook's run says: a line a section, and a sign of life where a cell takes long. Use it by `with`."""

    def __init__(self, title: str, cells: int, stream: TextIO | None = None):
        self.title, self.cells, self.number, self.heading = title, cells, 0, ""
        self._stream = stream or sys.stderr
        self._started = self._spoken = time.monotonic()

    def cell(self, cell: Mapping[str, Any], cell_index: int) -> None:
        """The cell of that index (from 0) begins."""
        self.number = cell_index + 1
        lines = cell["source"].splitlines() if cell["cell_type"] == "markdown" else []
        if headings := [line.lstrip("# ") for line in lines if line.startswith("#")]:
            self.heading = headings[-1]
            self._say(f"{self.title}  {self.number}/{self.cells}  {self.heading}")

    def alive(self) -> None:
        """Speak if nothing was said for long."""
        if time.monotonic() - self._spoken > QUIET:
            self._say(f"{self.title}  {self.number}/{self.cells}  {self.heading} … {self._clock()}")

    def __enter__(self) -> Self:
        self._say(f"{self.title}: {self.cells} cells")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        done = f"done, {self.cells} cells" if kind is None else f"stopped at cell {self.number}/{self.cells}"
        self._say(f"{self.title}: {done} in {self._clock()}")

    def _say(self, line: str) -> None:
        self._spoken = time.monotonic()
        print(line, file=self._stream, flush=True)

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes}:{seconds:02}"


class Engine(NBClientEngine):
    """Takes `env`, `folder` (where the kernel starts), `stderr` (an open file), `progress`, `stopped`, and a dict `used`,
    which it fills by `_used`."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, env: Any, stderr: BinaryIO, **ours: Any
    ) -> None:
        """Run the notebook; a cell may take as long as it takes. A kernel that dies while it starts is started anew: of
        many that start at once, two may be given the same port."""
        for left in reversed(range(_STARTS)):
            place = {"metadata": {"path": ours["folder"]}}  # papermill's `cwd` would move the whole process
            client = _Client(nb_man, kernel_name=kernel_name, timeout=None, log=logger, resources=place)
            client.progress, client.stopped, client.used = ours["progress"], ours["stopped"], ours["used"]
            client.on_cell_start = client.begins
            try:
                return client.execute(env=env, stderr=stderr)
            except RuntimeError as error:
                if not left or "before replying" not in str(error):
                    raise


class _Client(PapermillNotebookClient):
    progress: Progress
    stopped: Callable[[], bool]
    used: dict[str, Any]

    def begins(self, cell: Mapping[str, Any], cell_index: int) -> None:
        if self.stopped():
            raise RuntimeError("stopped")
        self.progress.cell(cell, cell_index)

    def papermill_execute_cells(self) -> None:
        """The cells, and then, in no cell's name, what they used."""
        over = threading.Event()
        threading.Thread(target=self._watch, args=(over,), daemon=True).start()
        try:
            super().papermill_execute_cells()
        finally:
            over.set()
        how = {"silent": True, "store_history": False, "user_expressions": {"used": "_used()"}}
        said = self.wait_for_reply(self.kc.execute(_SOURCE, **how))["content"]
        said = said.get("user_expressions", {}).get("used", said)
        if said["status"] != "ok":
            raise RuntimeError(f"the kernel could not say what it used: {said.get('evalue', said['status'])}")
        self.used |= json.loads(ast.literal_eval(said["data"]["text/plain"]))

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(_LOOK):
            self.progress.alive()
            if self.stopped():
                return os.kill(self.km.provisioner.pid, signal.SIGINT)


def _used() -> str:
    """In the kernel, after the last cell, as JSON: which of our modules it loaded, which committed files it asked for,
    whether LPIPS can be computed (None: it was not loaded), and the most memory that it held at once, in GiB."""
    import json
    import os
    import sys

    try:
        import resource
    except ImportError:  # on Windows
        memory = None
    else:
        unit = 1 if sys.platform == "darwin" else 1024  # bytes
        memory = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30, 3)
    modules = sorted(name for name in sys.modules if name.split(".")[0] in ("arae_core", "arae_book"))
    asked = getattr(sys.modules.get("arae_core.store"), "asked", ())
    used = {"modules": modules, "asked": sorted(map(os.path.abspath, asked)), "memory": memory, "lpips": None}
    if "arae_core.metrics.lpips" in sys.modules:
        used["lpips"] = sys.modules["arae_core.metrics"].lpips_available()[0]
    return json.dumps(used)


_SOURCE = inspect.getsource(_used)  # now: the file may be edited while a chapter runs
papermill_engines.register(ENGINE, Engine)
