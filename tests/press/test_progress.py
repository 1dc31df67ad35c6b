"""A run says where it is, on a terminal and in a log."""

from __future__ import annotations

import io
import re

import pytest

from arae_book import progress
from arae_book.progress import Progress

HEADING = {"cell_type": "markdown", "source": "Words.\n## The idea\n\nMore."}
CODE = {"cell_type": "code", "source": "# no heading\n1"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_has_a_line_a_section():
    log = io.StringIO()
    with Progress("first", 3, log) as shown:
        for index, cell in enumerate([HEADING, CODE, CODE]):
            shown.cell(cell, index)
    assert re.sub(r"\d:\d\d", "T", log.getvalue()) == "first: 3 cells\nfirst  1/3  The idea\nfirst: done, 3 cells in T\n"


def test_a_stop_says_where():
    log = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        with Progress("first", 3, log) as shown:
            shown.cell(HEADING, 0)
            raise KeyboardInterrupt
    assert "stopped at cell 1/3" in log.getvalue()


@pytest.mark.parametrize(("stream", "sign"), [(Terminal, "\r\x1b[Kfirst  2/3  The idea"),
                                              (io.StringIO, "first  2/3  The idea … 0:0")])
def test_a_long_cell_gives_signs_of_life(monkeypatch, stream, sign):
    monkeypatch.setattr(progress, "QUIET", 0.0)
    out = stream()
    with Progress("first", 3, out) as shown:
        shown.cell(HEADING, 0)
        shown.cell(CODE, 1)
        shown._over.wait(1.3)
    assert sign in out.getvalue()
