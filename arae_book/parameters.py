"""A chapter's parameters, checked before anything runs.

Papermill only logs a parameter that the notebook does not have, and runs on with the defaults; a text where
a number is meant fails in the middle of a training. Both are refused here. The names, and the types by the
literals, come from the cell tagged `parameters`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import nbformat
import yaml

from .chapters import DEFAULT, Chapter, Refused, nearest

_TAG = "parameters"
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list",
          dict: "a mapping"}


def defaults(chapter: Chapter) -> dict[str, Any]:
    """The notebook's parameters and their literals. Refused: no such cell, or more than literals in it."""
    try:
        notebook = nbformat.read(chapter.path, as_version=4)
    except Exception as error:  # nbformat passes on whatever its parsers raise
        raise Refused(f"{chapter.path} is no notebook: {' '.join(str(error).split())[:200]}") from error
    cells = [cell for cell in notebook.cells if _TAG in cell.metadata.get("tags", [])]
    if not cells:
        raise Refused(f"{chapter.path} has no cell tagged `{_TAG}`: papermill could not set anything in it")
    found: dict[str, Any] = {}
    try:
        statements = ast.parse(cells[0].source).body
    except SyntaxError as error:
        raise Refused(f"{chapter.path}: the `{_TAG}` cell is not Python: {error}") from error
    for statement in statements:
        name = _assigned(statement)
        if name is None and not _is_text(statement):
            raise Refused(f"{chapter.path}: line {statement.lineno} of the `{_TAG}` cell is no `name = literal`")
        if name is not None:
            try:
                found[name] = ast.literal_eval(statement.value)
            except (ValueError, TypeError) as error:
                raise Refused(f"{chapter.path}: {name} in the `{_TAG}` cell is no plain literal; derive it in the "
                              f"next cell, or it goes stale when papermill sets another") from error
    return found


def settings(chapter: Chapter, profile: str, given: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """What papermill is to set: the profile's parameters, over them those given on the command line as text.

    Where the chapter has a parameter `profile`, it holds the profile's name. Refused: a profile or parameter
    that the chapter lacks, a value of another type than the notebook's own.
    """
    known = defaults(chapter)
    file = chapter.profiles().get(profile)
    chosen = chapter.profile(profile)
    for name, value in chosen.items():
        _check(chapter, known, str(name), value, f"{file}: ")
    if "profile" in known and profile != DEFAULT and chosen.setdefault("profile", profile) != profile:
        raise Refused(f"{file} calls its profile {chosen['profile']!r}, not {profile!r}")
    for name, text in given:
        value = text if isinstance(known.get(name), str) else literal(text)
        _check(chapter, known, name, value, "")
        chosen[name] = value
    return chosen


def literal(text: str) -> Any:
    """A command line's value: YAML, and what Python writes differently (1e-3, None)."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if value == "None":
        return None
    return _numbers(value)


def _numbers(value: Any) -> Any:
    """YAML 1.1 takes 1e-3, which lacks the dot, for text."""
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _check(chapter: Chapter, known: dict[str, Any], name: str, value: Any, source: str) -> None:
    if name not in known:
        raise Refused(f"{source}{chapter.name} has no parameter {name!r}{nearest(name, known)}")
    if not _fits(value, known[name]):
        raise Refused(f"{source}{name} of {chapter.name} takes {_wanted(known[name])}, not {value!r}")


def _fits(value: Any, default: Any) -> bool:
    """Whether value is of default's type; None as the default says nothing about it."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple) and (
            not default or all(any(_fits(item, example) for example in default) for item in value))
    return isinstance(value, type(default))


def _wanted(default: Any) -> str:
    if isinstance(default, list | tuple):
        kinds = dict.fromkeys(_wanted(item).removeprefix("a ") for item in default)
        return "a list" + (f" (each item {' or '.join(kinds)})" if kinds else "")
    return f"{_WORDS.get(type(default), type(default).__name__)} (as {default!r} is)"


def _assigned(statement: ast.stmt) -> str | None:
    """The name that a statement of the form `name = …` or `name: type = …` sets."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
