"""What a chapter's parameters cell set, as it stands after papermill changed some of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def literals(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The names bound to plain literals: numbers, texts, truth values and lists of them.

    Call it with `globals()` right after the parameters cell, before anything else is computed. Names
    that begin with an underscore or a capital (IPython's own) are no parameters.
    """
    return {name: value for name, value in namespace.items()
            if name[0].islower() and isinstance(value, bool | int | float | str | list)}
