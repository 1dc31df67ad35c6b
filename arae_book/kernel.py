"""Papermill's own engine, but with a say in the kernel's process: its environment, where its raw error output goes
(ipykernel complains there at length when it is interrupted), its interruption, and what it used, which it says last."""

import inspect
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

from .progress import Progress

ENGINE = "arae"
_STARTS = 3
_LOOK = 0.2  # seconds between two looks whether to stop
logging.getLogger("asyncio").setLevel(
    logging.CRITICAL
)  # nbclient, when stopped, leaves tasks that failed behind


class Engine(NBClientEngine):
    """Takes `env`, `stderr` (an open file), `progress`, `stopped` and `farewell` (a path, see `_leave`)."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, env: Any, stderr: BinaryIO, **ours: Any
    ) -> None:
        """Run the notebook; a cell may take as long as it takes. A kernel that dies while it starts is started anew: of
        many that start at once, two may be given the same port."""
        for left in reversed(range(_STARTS)):
            client = _Client(nb_man, kernel_name=kernel_name, timeout=None, log=logger)
            client.progress, client.stopped, client.farewell = (
                ours["progress"],
                ours["stopped"],
                ours["farewell"],
            )
            client.on_cell_start = client.begins
            try:
                return client.execute(env=env, stderr=stderr)
            except RuntimeError as error:
                if not left or "before replying" not in str(error):
                    raise


class _Client(PapermillNotebookClient):
    progress: Progress
    stopped: Callable[[], bool]
    farewell: Path

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
        code = f"{_SOURCE}\n_leave({str(self.farewell)!r})"
        said = self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))["content"]
        if said["status"] != "ok":
            raise RuntimeError(f"the kernel could not say what it used: {said.get('evalue', said['status'])}")

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(_LOOK):
            if self.stopped():
                return os.kill(self.km.provisioner.pid, signal.SIGINT)


def _leave(path: str) -> None:
    """In the kernel, after the last cell: which of our modules it loaded, which committed files it asked for, whether
    LPIPS can be computed (None: nothing of it was loaded), and the most memory that it held at once, in GiB."""
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
    asked = getattr(sys.modules.get("arae_core.results.reference"), "asked", ())
    lpips = sys.modules.get("arae_core.metrics.lpips")
    used = {"modules": modules, "asked": sorted(map(os.path.abspath, asked)), "memory": memory, "lpips": None}
    if lpips:
        used["lpips"] = sys.modules["arae_core.metrics"].lpips_available()[0]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(used, file)


_SOURCE = inspect.getsource(_leave)  # now: the file may be edited while a chapter runs
papermill_engines.register(ENGINE, Engine)
