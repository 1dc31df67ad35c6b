"""Papermill's own engine, but with a say in how the kernel's process starts: its environment, and where its
raw error output goes (ipykernel complains there at length when it is interrupted). At its end the kernel says what
it used (`footprint`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

ENGINE = "arae"
_FAREWELL = "from arae_book import footprint; footprint.leave()"


class _Client(PapermillNotebookClient):
    def papermill_execute_cells(self) -> None:
        """The cells, and then, in no cell's name, what they used; an error in that has no reader."""
        super().papermill_execute_cells()
        self.wait_for_reply(self.kc.execute(_FAREWELL, silent=True, store_history=False))


class Engine(NBClientEngine):
    """Takes `env`, `stderr` (an open file) and `on_cell_start` as engine arguments of `execute_notebook`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, *, env: Mapping[str, str],
                                 stderr: BinaryIO, on_cell_start: Callable[..., None], **_: Any) -> None:
        """Run the notebook; a cell may take as long as it takes."""
        client = _Client(nb_man, kernel_name=kernel_name, timeout=None, log=logger,
                         on_cell_start=on_cell_start)
        client.execute(env=env, stderr=stderr)


papermill_engines.register(ENGINE, Engine)
