"""`python -m arae_book.lifeline run …` is `arae run …` that ends when whoever started it is gone.

Its standard input is the line. When that ends, because the starter closed it or was killed, the run is
stopped as by SIGTERM, so that it lets its kernel save.
"""

from __future__ import annotations

import os
import signal
import threading

from arae_book.cli import main


def _end_with_the_starter() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    os.environ["ARAE_ESTIMATE"] = "off"  # whoever started this has given one for all its runs
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    main()
