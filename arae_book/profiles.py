"""A chapter's parameters at a profile: `book/profiles/<profile>.yaml`, read and checked before anything runs.

`default.yaml` names every parameter: under `pair` those of the two encoders and their images, once for all chapters,
and under a chapter's name its own. Its values say of which type a parameter is, its remarks what it means. Another
profile's file holds what differs; see the head of `default.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from .chapters import DEFAULT, Refused, find_root, nearest

PAIR = "pair"
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
_REMARK = re.compile(r"  (\w+):.*?\s# (.*)")


@dataclass(frozen=True, repr=False)
class Settings:
    """All parameters of a chapter at one scale, as attributes: `p.eps`. In Jupyter a table in a fold."""

    chapter: str
    profile: str
    seed: int
    given: dict[str, Any]  # those set over the profile's
    _values: dict[str, Any]
    _remarks: dict[str, str] = field(default_factory=dict)
    _defaults: dict[str, Any] = field(default_factory=dict)
    _former: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise AttributeError(f"{self.chapter} has no parameter {name!r}{nearest(name, self._values)}")
        return self._values[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def literals(self) -> dict[str, Any]:
        """Every parameter by its name, "profile" and "seed" among them: what a record keeps."""
        return {"profile": self.profile, **_copied(self._values), "seed": self.seed}

    def cell(self) -> dict[str, Any]:
        """What papermill sets in the chapter's cell `parameters` to have it run at these settings."""
        return {"profile": self.profile, "seed": self.seed, "given": _copied(self.given)}

    def differs(self, recorded: Mapping[str, Any]) -> list[str]:
        """The names in which a record's parameters are not these settings.

        A parameter that the record lacks counts as made at the default, as it was when there was no such choice. One
        that the chapter has no longer differs, unless `former` of its block in `default.yaml` names it with that value.
        """
        ours = {**self._former, **self.literals()}
        theirs = {**self._former, "profile": DEFAULT, "seed": 0, **self._defaults, **recorded}
        return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))

    def require(self, **held: Iterable[str]) -> None:
        """Refuse folders and data sets that are not here, and values that are not among those `held`.

        held: by a parameter's name what it can be, `p.require(layer=f.layers)`; of a list each item. Refused, in a
        line that names the parameter. Call it before the first training; `pair` does.
        """
        from .pair import require

        require(self, held)

    def images(self, device: Any = "cpu") -> tuple[Any, Any]:
        """(train, test) of the chapter's `dataset`, on the device; test is None for a chapter without `test_images`."""
        from .pair import images

        return images(self, device)

    def pair(self, device: Any = "cpu") -> Any:
        """The images and the two encoders, found or trained now; see `arae_book.pair.Pair`."""
        from .pair import pair

        return pair(self, device)

    def __repr__(self) -> str:
        lines = [f"{self.chapter}, {len(self._values) + 2} parameters"]
        return "\n".join(lines + [f"  {name} = {value!r}" for name, value in self.literals().items()])

    def _repr_markdown_(self) -> str:
        rows = [
            f"| `{name}` | {_cell(value)} | {self._remarks.get(name, '').replace('|', chr(92) + '|')} |"
            for name, value in self.literals().items()
        ]
        summary = f"The {len(rows)} parameters, at profile <code>{self.profile}</code>"
        table = "\n".join(["| name | value | |", "| --- | --- | --- |", *rows])
        return f"<details><summary>{summary}</summary>\n\n{table}\n\n</details>"


def settings(
    chapter: str,
    profile: str = DEFAULT,
    *,
    seed: int = 0,
    given: Mapping[str, Any] | None = None,
    root: Path | None = None,
) -> Settings:
    """The parameters of a chapter at a profile.

    Args:
        chapter: its name, as in `default.yaml`. profile: a file of `book/profiles` that has the chapter.
        given: values over the profile's. A text stands for the value that it spells as YAML, unless the parameter
            is a text itself.
        root: the book's folder; default: where this package, or the working directory, lies in one.

    Raises:
        Refused: there is no such chapter, profile or parameter (with the near ones), a value of another type than
            in `default.yaml`, or a file that cannot be read.
    """
    root = root or find_root()
    default, remarks = _read(root, DEFAULT), {}
    known = _known(default, chapter, root)
    former = default[chapter].get("former", {})
    for section in (PAIR, chapter):
        remarks |= _remarks(_file(root, DEFAULT), section)
    if profile not in profiles_of(chapter, root):
        raise Refused(
            f"{chapter} has no profile {profile!r}{nearest(str(profile), profiles_of(chapter, root))}"
        )
    values = dict(known)
    for source in _line_of(root, profile):
        values |= _changes(root, source, default, known, chapter)
    if not _fits(seed, 0):
        raise Refused(f"the seed is a whole number, not {seed!r}")
    given = {str(name): _given(chapter, known, str(name), value) for name, value in dict(given or {}).items()}
    remarks |= {"profile": "the scale: a file of `book/profiles`"}
    return Settings(chapter, profile, seed, given, values | given, remarks, known, former)


def asked(
    chapter: str, profile: str, pairs: Iterable[tuple[str, str]] = (), root: Path | None = None
) -> Settings:
    """The settings for a command line's `--profile NAME -p KEY TEXT …`; "seed" is a key too. Refused as by `settings`."""
    given = dict(pairs)
    if given.pop("profile", profile) != profile:
        raise Refused("the profile is named with --profile")
    return settings(chapter, profile, seed=parsed(given.pop("seed", "0"), 0), given=given, root=root)


def profiles_of(chapter: str, root: Path | None = None) -> list[str]:
    """The profiles that have a block for this chapter, "default" first. Refused: a file that cannot be read."""
    root = root or find_root()
    names = sorted(path.stem for path in (root / "book" / "profiles").glob("*.yaml"))
    return [DEFAULT, *(name for name in names if name != DEFAULT and chapter in _read(root, name))]


def parsed(text: Any, example: Any) -> Any:
    """The value that a text spells, for a parameter with this default; of a parameter that is a text, the text itself.

    Numbers are decimal, 1e-3 and 010 too; "1:30", "yes" and dates are texts. What is no YAML is the text.
    """
    if isinstance(example, str) or not isinstance(text, str):
        return text
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


class _Loader(yaml.SafeLoader):
    """YAML 1.2's numbers and truth values: 1.1 reads 010 as 8, 1:30 as 90, `no` as false and 1e-3 as a text."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if twice := [name for name in names if names.count(name) > 1]:
            raise yaml.YAMLError(
                f"{twice[0]} stands there twice, again in line {node.start_mark.line + 1} and below"
            )
        return super().construct_mapping(node, deep)

    @staticmethod
    def whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
        return int(node.value)


for _tag, _pattern, _first in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
]:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole)


def _file(root: Path, profile: str) -> Path:
    return root / "book" / "profiles" / f"{profile}.yaml"


def _read(root: Path, profile: str) -> dict[str, Any]:
    """A profile's file: sections by name. Refused, in a line with the file's name, for one that is none."""
    path = _file(root, profile)
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        cause = (
            "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        )
        raise Refused(f"{path} cannot be read: {cause}") from error
    if not isinstance(found, dict) or not all(
        isinstance(block, dict) for name, block in found.items() if name != "like"
    ):
        raise Refused(
            f"{path} must hold `{PAIR}:` or a chapter's name, and below it `parameter: value` lines"
        )
    return found


def _known(default: dict[str, Any], chapter: str, root: Path) -> dict[str, Any]:
    """The chapter's parameters with their defaults. Refused: no such chapter."""
    chapters = default.keys() - {PAIR}
    if chapter not in chapters:
        raise Refused(
            f"{_file(root, DEFAULT)} has no chapter {chapter!r}{nearest(str(chapter), sorted(chapters))}"
        )
    own = {name: value for name, value in default[chapter].items() if name not in ("without", "former")}
    without = default[chapter].get("without", [])
    return {name: value for name, value in default.get(PAIR, {}).items() if name not in without} | own


def _line_of(root: Path, profile: str) -> list[str]:
    """The profile and those that it is `like`, the farthest first, without "default". Refused: a circle."""
    line: list[str] = []
    while profile != DEFAULT:
        if profile in line or not isinstance(profile, str) or not re.fullmatch(r"[\w.-]+", profile):
            raise Refused(f"{_file(root, line[0])} is `like` {profile!r}, which leads nowhere")
        line.insert(0, profile)
        profile = _read(root, profile).get("like", DEFAULT)
    return line


def _changes(
    root: Path, profile: str, default: dict[str, Any], known: dict[str, Any], chapter: str
) -> dict[str, Any]:
    """What the file sets for this chapter, every one of its sections and names checked."""
    found, changes = _read(root, profile), {}
    for section, block in found.items():
        if section == "like":
            continue
        if section not in default:
            raise Refused(f"{_file(root, profile)} has a block {section!r}{nearest(str(section), default)}")
        names = default[PAIR] if section == PAIR else _known(default, section, root)
        for name, value in block.items():
            value = _checked(section, names, str(name), value, f"{_file(root, profile)}: ")
            if section == chapter or (section == PAIR and name in known and name not in changes):
                changes[name] = value
    return changes


def _given(chapter: str, known: dict[str, Any], name: str, value: Any) -> Any:
    if name in ("profile", "seed"):
        raise Refused(f"{name} is set by itself, not among the values given")
    return _checked(chapter, known, name, parsed(value, known.get(name, "")), "")


def _checked(chapter: str, known: dict[str, Any], name: str, value: Any, source: str) -> Any:
    if name not in known:
        raise Refused(f"{source}{chapter} has no parameter {name!r}{nearest(name, known)}")
    if not _fits(value, known[name]):
        shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
        raise Refused(f"{source}{name} of {chapter} takes {_wanted(known[name])}, not {shown}")
    return _as_default(value, known[name])


def _fits(value: Any, default: Any) -> bool:
    """Whether value is of default's type: a whole number passes for a number, a truth value for neither."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float) and abs(value) < 1e300 and isfinite(value)
    if isinstance(default, list):
        return isinstance(value, list | tuple) and (
            not default or all(any(_fits(item, example) for example in default) for item in value)
        )
    return isinstance(value, type(default))


def _as_default(value: Any, default: Any) -> Any:
    """1 as 1.0 where the default is of that kind, so that one value has one writing in keys and records."""
    if isinstance(default, float):
        return float(value)
    if isinstance(value, list | tuple):
        numbers = bool(default) and all(isinstance(example, float) for example in default)
        return [float(item) if numbers else item for item in value]
    return value


def _wanted(default: Any) -> str:
    if isinstance(default, list):
        kinds = dict.fromkeys(_KINDS[type(item)].removeprefix("a ") for item in default)
        return "a list" + (f" (each item {' or '.join(kinds)})" if kinds else "")
    return f"{_KINDS[type(default)]} (as {default!r} is)"


def _remarks(path: Path, section: str) -> dict[str, str]:
    """What stands beside the values of a section, by name; a line of its own above a value counts as well."""
    found, here, above = {}, False, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(" "):
            here = line.startswith(f"{section}:")
        elif here and line.startswith("  #"):
            above += line.strip("# ") + " "
        elif here and (match := re.match(r"  (\w+):", line)):
            beside = _REMARK.match(line)
            if remark := beside[2] if beside else above.strip():
                found[match[1]] = remark
            above = ""
    return found


def _cell(value: Any) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return text.replace("|", "\\|") or "none"


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
