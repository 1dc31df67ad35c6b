"""What the papers claim, and whether it held in our runs: `book/claims.yaml` against records.

With two seeds or more, a claim is tested on the difference within each seed (a paired t interval over
seeds). With one, only the spread over images is known: the interval then treats both means as
independent, which is wider than the paired one would be, and says nothing about other seeds.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import yaml
from scipy.stats import t as student

from arae_core.store import reference_dir

from .record import METRIC_NAME, Record, by_seed

CONFIDENCE = 0.95
COMPARISON = re.compile(r"(?P<left>\S+)\s+(?P<sign>[<>])\s+(?P<right>\S+)")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class ClaimError(ValueError):
    """claims.yaml says something that cannot be tested; the message names file and claim."""


@dataclass(frozen=True)
class Claim:
    """One comparison of two measures, or of one with a number; `*` in both stands for each of `conditions`
    (None: what both have). `chapter`: whose records count. `each`: a parameter; every value of it that was
    run has a verdict of its own."""

    id: str
    source: str
    text: str
    comparison: str
    chapter: str | None = None
    each: str | None = None
    conditions: tuple[str, ...] | None = None
    profiles: tuple[str, ...] | None = None
    where: Mapping[str, Any] | None = None

    def __post_init__(self):
        match = COMPARISON.fullmatch(self.comparison)
        sides = match.group("left", "right") if match else ()
        measures = sides[:1] if match and NUMBER.fullmatch(sides[1]) else sides
        if not match or not all(METRIC_NAME.fullmatch(side.replace("*", "x")) for side in measures):
            raise ClaimError(f"claim {self.id}: {self.comparison!r} is not <measure> > <measure or number>")
        if {side.count("*") for side in measures} not in ({0}, {1}):
            raise ClaimError(f"claim {self.id}: * must stand once on both sides, or on neither")
        if self.each is not None and "*" in self.comparison:
            raise ClaimError(f"claim {self.id}: either `each` or *, not both")
        if self.conditions is not None and "*" not in self.comparison:
            raise ClaimError(f"claim {self.id}: has conditions, but no * for them to stand in for")

    @property
    def sides(self) -> tuple[str, str, str]:
        """(left, "<" or ">", right)."""
        return COMPARISON.fullmatch(self.comparison).group("left", "sign", "right")


@dataclass(frozen=True)
class Verdict:
    """Whether a claim held under one condition ("" if it has none; "eps = 0.5" for a value of `each`).

    outcome: "holds", "fails", "within noise" or "not run". difference: left minus right, mean over seeds,
    with the ends `low` and `high` of its 95 % interval. over: "seeds" or "images", what the interval
    speaks of. reason: why it was not run.
    """

    claim: Claim
    condition: str
    outcome: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    over: str = ""
    reason: str = ""


def load_claims(path: str | Path | None = None) -> list[Claim]:
    """The claims of a YAML file, in order; by default those of the book, `book/claims.yaml`.

    Raises ClaimError, FileNotFoundError.
    """
    if path is None:
        reference = reference_dir()
        if reference is None:
            raise FileNotFoundError("no book here: set ARAE_BOOK to the folder that holds _config.yml and book/")
        path = reference.parent / "claims.yaml"
    try:
        entries = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or []
        claims = [_claim(entry) for entry in entries]
    except (yaml.YAMLError, TypeError, ClaimError) as error:
        raise ClaimError(f"{path}: {error}") from error
    ids = [claim.id for claim in claims]
    if len(set(ids)) < len(ids):
        raise ClaimError(f"{path}: the id {max(ids, key=ids.count)} is there twice")
    return claims


def verdicts(claim: Claim, records: Iterable[Record]) -> list[Verdict]:
    """The claim's verdict under each of its conditions, from the records of one profile.

    Records of other chapters (without these measures) may be among them. Raises RecordError if those with
    these measures differ in more than their seed: then the claim's `where` must say which ones count.
    """
    left, _, right = claim.sides
    wanted = [r for r in records if all(r.setting.get(k) == v for k, v in (claim.where or {}).items())]
    if claim.chapter is not None:
        wanted = [record for record in wanted if record.chapter == claim.chapter]
    if claim.profiles is not None:
        wanted = [record for record in wanted if record.profile in claim.profiles]
    if claim.each is not None:
        return _each_value(claim, wanted)
    conditions = claim.conditions or _shared_conditions(left, right, wanted)
    return [_verdict(claim, condition, condition, wanted) for condition in conditions or ("",)]


def _each_value(claim: Claim, records: list[Record]) -> list[Verdict]:
    """A verdict for each value of the parameter at which the claim can be tested, in rising order."""
    usable = [r for r in records if claim.each in r.setting and _measured(claim, "", r)]
    values = sorted({record.setting[claim.each] for record in usable})
    found = [_verdict(claim, "", f"{claim.each} = {value:g}", [r for r in usable if r.setting[claim.each] == value])
             for value in values]
    return found or [_verdict(claim, "", "", records)]


def _claim(entry: Any) -> Claim:
    entry = dict(entry)
    for name in ("conditions", "profiles"):
        if entry.get(name) is not None:
            entry[name] = tuple(entry[name])
    return Claim(**entry)


def _shared_conditions(left: str, right: str, records: list[Record]) -> list[str]:
    """What * can be, so that both sides were measured, in the order of the records."""
    if "*" not in left:
        return []
    pattern = re.compile(re.escape(left).replace(r"\*", r"([\w.+=-]+)"))
    found = dict.fromkeys(  # a dict keeps the order
        match[1]
        for record in records
        for match in map(pattern.fullmatch, record.metrics)
        if match and (NUMBER.fullmatch(right) or right.replace("*", match[1]) in record.metrics)
    )
    return list(found)


def _measured(claim: Claim, star: str, record: Record) -> tuple[dict, dict] | None:
    """Both sides of the comparison as measured, {"value", "std", "n"}; a number has no spread."""
    left, _, right = (side.replace("*", star) for side in claim.sides)
    fixed = {"value": float(right), "std": 0.0, "n": inf} if NUMBER.fullmatch(right) else None
    sides = record.metrics.get(left), fixed or record.metrics.get(right)
    return sides if all(sides) else None


def _verdict(claim: Claim, star: str, condition: str, records: list[Record]) -> Verdict:
    left, sign, _ = (side.replace("*", star) for side in claim.sides)
    runs = by_seed(record for record in records if _measured(claim, star, record))
    if not runs:
        metric = left.split("/")[0]
        reasons = [record.left_out[metric] for record in records if metric in record.left_out]
        return Verdict(claim, condition, "not run", reason=reasons[0] if reasons else "")
    pairs = [_measured(claim, star, record) for record in runs.values()]
    differences = [a["value"] - b["value"] for a, b in pairs]
    difference = mean(differences)
    if len(pairs) > 1:
        over = "seeds"
        half = student.ppf((1 + CONFIDENCE) / 2, len(pairs) - 1) * stdev(differences) / sqrt(len(pairs))
    else:
        over = "images"
        (a, b), counts = pairs[0], [side["n"] for side in pairs[0]]
        half = 1.96 * sqrt(a["std"] ** 2 / a["n"] + b["std"] ** 2 / b["n"]) if min(counts) > 1 else inf
    low, high = float(difference - half), float(difference + half)
    claimed_low, claimed_high = (low, high) if sign == ">" else (-high, -low)
    outcome = "holds" if claimed_low > 0 else "fails" if claimed_high < 0 else "within noise"
    return Verdict(claim, condition, outcome, difference, low, high, len(pairs), over)
