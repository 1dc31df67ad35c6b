"""What a run spent on its models, told to whoever started it.

`arae run` names a file in $ARAE_ACCOUNT; `find_else_train` adds a line to it for each model. So the cost of a
chapter can be stated twice: with its models kept, and from nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping


def note(name: str, *, found: bool, history: Iterable[Mapping[str, float]], spent: float) -> None:
    """Add a model to the account, if one is kept. Never fails: a run matters more than its account.

    name: the model's kind and key. history: of its training, whenever and wherever that was; an epoch's
    "seconds" count. spent: seconds of this run that went into it (training, or waiting for another process that
    trained it).
    """
    path = os.environ.get("ARAE_ACCOUNT")
    if not path:
        return
    trained = sum(epoch.get("seconds", 0.0) for epoch in history)
    line = {"name": name, "found": found, "trained": round(trained, 2), "spent": round(spent, 2)}
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError:
        pass
