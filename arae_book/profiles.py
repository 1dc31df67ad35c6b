"""A chapter's parameters at a profile: `book/profiles/<profile>.yaml`, read and checked before anything runs.

`default.yaml` names every parameter: under `pair` those of the two encoders and their images, once for all chapters,
and under a chapter's name its own. Its values say of which type a parameter is, its remarks what it means. Another
profile's file holds what differs; see the head of `default.yaml`.
"""

import re
import reprlib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from .chapters import DEFAULT, Refused, find_root, nearest

Pairs = Iterable[tuple[str, str]]  # parameters and their values, as texts
PAIR = "pair"
TRAIN = "train"  # what `models` is where no reference models serve
_OWN = ("models", "dataset", "train_images")  # of the pair's parameters those that go on being the chapter's
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}


@dataclass(frozen=True, repr=False)
class Settings:
    """All parameters of a chapter at one scale, as attributes: `p.eps`. In Jupyter a table in a fold."""

    chapter: str
    profile: str
    seed: int
    given: dict[str, Any]  # those set over the profile's
    _values: dict[str, Any]
    _remarks: dict[str, str]
    _defaults: dict[str, Any]
    _former: dict[str, Any]

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
        return {"profile": self.profile, **deepcopy(self._values), "seed": self.seed}

    def cell(self) -> dict[str, Any]:
        """What papermill sets in the chapter's cell `parameters` to have it run at these settings."""
        return {"profile": self.profile, "seed": self.seed, "given": deepcopy(self.given)}

    def differs(self, recorded: Mapping[str, Any]) -> list[str]:
        """The names in which a record's parameters are not these settings.

        A parameter that the record lacks counts as made at the default, as it was when there was no such choice. One
        that the chapter has no longer differs, unless `former` of its block in `default.yaml` names it with that value.
        """
        ours = {**self._former, **self.literals()}
        theirs = {"profile": DEFAULT, "seed": 0, **self._defaults, **self._former, **recorded}
        return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))

    def require(self, **held: Iterable[str]) -> None:
        """Before the first training: Refused, with the parameter's name, are folders and data sets that are not here, and
        values that are not among those `held`: `p.require(layer=f.layers)`. `pair` does this too."""
        from .pair import require

        require(self, held)

    def images(self, device: Any = "cpu") -> tuple[Any, Any]:
        """(train, test) of the chapter's `dataset`; see `arae_book.pair.images`."""
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
        rows = ["| name | value | |", "| --- | --- | --- |"]
        for name, value in self.literals().items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            cells = [f"`{name}`", shown or "none", self._remarks.get(name, "")]
            rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        summary = f"The {len(rows) - 2} parameters, at profile <code>{self.profile}</code>"
        return f"<details><summary>{summary}</summary>\n\n" + "\n".join(rows) + "\n\n</details>"


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
        given: values over the profile's. A text stands for the value that it spells, see `parsed`.
        root: the book's folder; default: where this package, or the working directory, lies in one.

    Raises:
        Refused: there is no such chapter, profile or parameter (with the near ones), a value of another type than
            in `default.yaml`, or a file that cannot be read.
    """
    root = root or find_root()
    known = _known(root, chapter)
    if profile not in (there := profiles_of(chapter, root)):
        raise Refused(f"{chapter} has no profile {profile!r}{nearest(str(profile), there)}")
    values = _values(root, profile, chapter)
    seed = _checked(chapter, {"seed": 0}, "seed", seed)
    if {"profile", "seed"} & (given := dict(given or {})).keys():
        raise Refused(
            "profile and seed are no values among those given: `--profile`, or `profile=` and `seed=`"
        )
    for name, value in given.items():
        given[name] = _checked(chapter, known, name, parsed(value, known.get(name, "")))
    former = _read(root, DEFAULT)[chapter].get("former", {})
    if (models := (values | given).get("models", TRAIN)) != TRAIN:  # their pair, whose images may not be here
        if models not in there:
            raise Refused(
                f"models of {chapter}: there is no profile {models!r}{nearest(models, [TRAIN, *there])}"
            )
        theirs = _values(root, models, chapter) if models != profile else {}
        values |= {
            name: theirs[name] for name in _read(root, DEFAULT)[PAIR] if name in theirs and name not in _OWN
        }
    return Settings(chapter, profile, seed, given, values | given, _remarks(root, chapter), known, former)


def asked(chapter: str, profile: str, pairs: Pairs = (), root: Path | None = None) -> Settings:
    """The settings for a command line's `--profile NAME -p KEY TEXT …`; "seed" is a key too. Refused as by `settings`."""
    given = dict(pairs)
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
            raise yaml.YAMLError(f"{twice[0]} stands twice in the block at line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


for _tag, _pattern in {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "null": r"~|null|Null|NULL|",
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?",
}.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), None)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def read_yaml(path: Path) -> Any:
    """What a YAML file holds, numbers as in `parsed`; not to be changed. Refused, in a line with its path, if broken."""
    try:
        return _read_yaml(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error


@lru_cache(maxsize=64)
def _read_yaml(path: Path, changed: int) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


def _file(root: Path, profile: str) -> Path:
    return root / "book" / "profiles" / f"{profile}.yaml"


def _read(root: Path, profile: str) -> dict[str, Any]:
    """A profile's file: sections by name. Refused for one that is none."""
    found = read_yaml(path := _file(root, profile)) or {}
    if not isinstance(found, dict) or any(type(found[name]) is not dict for name in found if name != "like"):
        raise Refused(f"{path} must hold `{PAIR}:` or a chapter's name, and below it `parameter: value`")
    return found


def _known(root: Path, chapter: str) -> dict[str, Any]:
    """The chapter's parameters with their defaults. Refused: no such chapter."""
    default = _read(root, DEFAULT)
    if chapter not in (chapters := sorted(default.keys() - {PAIR})):
        raise Refused(f"default.yaml has no chapter {chapter!r}{nearest(str(chapter), chapters)}")
    own = {name: value for name, value in default[chapter].items() if name not in ("without", "former")}
    without = default[chapter].get("without", [])
    return {name: value for name, value in default.get(PAIR, {}).items() if name not in without} | own


def _values(root: Path, profile: str, chapter: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """The chapter's values at a profile: those of the one that it is `like`, and over them what its own file sets, the
    chapter's block over the pair's. All of the file is checked. Refused: a circle of profiles."""
    own = _known(root, chapter)
    if profile == DEFAULT:
        return deepcopy(own)
    if profile in above or not re.fullmatch(r"[\w.-]+", str(profile)):
        raise Refused(f"{_file(root, above[-1])} is `like` {profile!r}, which leads nowhere")
    sections = dict(_read(root, profile))
    values = _values(root, sections.pop("like", DEFAULT), chapter, (*above, profile))
    changes: dict[str, dict[str, Any]] = {PAIR: {}, chapter: {}}
    default, path = _read(root, DEFAULT), _file(root, profile)
    for section, block in sections.items():
        if section not in default:
            raise Refused(f"{path} has a block {section!r}{nearest(str(section), default)}")
        known = default[PAIR] if section == PAIR else _known(root, section)
        for name, value in block.items():
            value = _checked(section, known, name, value, f"{path}: ")
            if section in changes and name in own:
                changes[section][name] = value
    return values | changes[PAIR] | changes[chapter]


def _checked(chapter: str, known: dict[str, Any], name: str, value: Any, source: str = "") -> Any:
    """The value, 1 as 1.0 where the default is so written. Refused: no such name, or not of the default's type."""
    if name not in known:
        raise Refused(f"{source}{chapter} has no parameter {name!r}{nearest(str(name), [*known, 'seed'])}")
    default = known[name]
    try:
        if isinstance(default, list) and isinstance(value, list | tuple):
            return [_like(default, item) if default else item for item in value]
        return _like([default], value)
    except (TypeError, OverflowError) as error:
        wanted = f"{_KINDS[type(default)]} (as {reprlib.repr(default)} is)"
        raise Refused(f"{source}{name} of {chapter} takes {wanted}, not {reprlib.repr(value)}") from error


def _like(examples: list[Any], value: Any) -> Any:
    """The value, if of the type of one: a whole number passes for a number, a truth value for neither. Else TypeError."""
    kinds = set(map(type, examples))
    if type(value) is int and float in kinds and int not in kinds:
        value = float(value)
    if type(value) not in kinds or isinstance(value, float) and not isfinite(value):
        raise TypeError
    return value


def _remarks(root: Path, chapter: str) -> dict[str, str]:
    """What stands beside the values of the chapter and of the pair, by name."""
    remarks = {"profile": "the scale: a file of `book/profiles`"}
    for section in (PAIR, chapter):
        block = re.search(rf"(?ms)^{section}:.*?(?=^\w|\Z)", _file(root, DEFAULT).read_text(encoding="utf-8"))
        remarks |= re.findall(r"(?m)^  (\w+):.*?\s# (.*)$", block[0] if block else "")
    return remarks
