"""What a network is, in words: who builds it, and with which arguments. Two networks of one specification differ in
their weights alone, so it is what a model's key and its file say of the architecture."""

import ast
import hashlib
import inspect
import json
from typing import Any, TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def specification(model: nn.Module) -> dict[str, Any]:
    """{"network": name, "arguments": {…}}, arguments at their defaults left out, ready for JSON.

    The name is that of the network's class, or of the function that built it (`made_by`); the arguments are those that
    it keeps as `arguments`. A network of another package, of a notebook say, counts by its source too: there nobody
    declares a version.

    Raises:
        TypeError: the network keeps no `arguments`, or some that JSON cannot hold.
    """
    made_by, arguments = getattr(model, "made_by", type(model)), getattr(model, "arguments", None)
    if not isinstance(arguments, dict):
        way_out = "let its __init__ say self.arguments = {…}, so that its models have a key"
        raise TypeError(f"{made_by.__name__} keeps no `arguments`: {way_out}")
    defaults = {name: its.default for name, its in inspect.signature(made_by).parameters.items()}
    kept = {name: its for name, its in arguments.items() if name not in defaults or its != defaults[name]}
    found = {"network": made_by.__name__, "arguments": json.loads(json.dumps(kept))}
    if made_by.__module__.split(".")[0] != "arae_core":
        found["source"] = hashlib.sha256(_source(made_by).encode()).hexdigest()[:16]
    return found


def specified(model: Network, made_by: Any, **arguments: Any) -> Network:
    """The network with what a function built it from; classes set `arguments` themselves."""
    vars(model).update(made_by=made_by, arguments=arguments)
    return model


def _source(made_by: Any) -> str:
    """Its source; that of a notebook's class by way of a method, since `inspect` looks for a file of `__main__`."""
    methods = [of for of in vars(made_by).values() if inspect.isfunction(of)]
    if not (inspect.isclass(made_by) and methods):
        return inspect.getsource(made_by).strip()
    text, line = "".join(inspect.findsource(methods[0])[0]), methods[0].__code__.co_firstlineno
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.name == made_by.__name__:
            if node.lineno <= line <= (node.end_lineno or 0):
                return ast.get_source_segment(text, node) or ""
    raise OSError(f"the source of {made_by.__name__} is not to be found")
