"""Papermill's own engine, but with a say in how the kernel's process starts: its environment, and where its
raw error output goes (ipykernel complains there at length when it is interrupted)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

ENGINE = "arae"


class Engine(NBClientEngine):
    """Takes `env`, `stderr` (an open file) and `on_cell_start` as engine arguments of `execute_notebook`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, *, env: Mapping[str, str],
                                 stderr: BinaryIO, on_cell_start: Callable[..., None], **_: Any) -> None:
        """Run the notebook; a cell may take as long as it takes."""
        client = PapermillNotebookClient(nb_man, kernel_name=kernel_name, timeout=None, log=logger,
                                         on_cell_start=on_cell_start)
        client.execute(env=env, stderr=stderr)


papermill_engines.register(ENGINE, Engine)
