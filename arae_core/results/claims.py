"""What the papers claim, and whether it held in our runs: `book/claims.yaml` against records.

With two seeds or more, a claim is tested on the difference within each seed (a paired t interval over
seeds). With one, only the spread over images is known, which says nothing about other seeds: the interval is that of
the differences image by image where the record has them (`Record.pairs`), else Welch's for two means that have
nothing to do with each other, which is the wider one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import yaml

from arae_core.store import reference_dir

from .intervals import Estimate, of_images, of_numbers, of_two_means
from .record import METRIC_NAME, Record, by_seed
from .reference import asked

COMPARISON = re.compile(r"(?P<left>\S+)\s+(?P<sign>[<>]|!=)\s+(?P<right>\S+)")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
SECTION = re.compile(r"\w+#[\w-]+")  # <chapter>#<heading, in small letters with dashes>


class ClaimError(ValueError):
    """claims.yaml says something that cannot be tested; the message names file and claim."""


@dataclass(frozen=True)
class Claim:
    """One comparison of two measures, or of one with a number; `*` in both stands for each of `conditions`
    (None: what both have). `chapter`: whose records count. `each`: a parameter; every value of it that was
    run has a verdict of its own. `reason`: why it cannot be measured here, for as long as it is not.
    `investigation`: where the book looks into why it fails, "<chapter>#<heading>"."""

    id: str
    source: str
    text: str
    comparison: str
    chapter: str | None = None
    each: str | None = None
    conditions: tuple[str, ...] | None = None
    profiles: tuple[str, ...] | None = None
    where: Mapping[str, Any] | None = None
    reason: str = ""
    investigation: str | None = None

    def __post_init__(self):
        match = COMPARISON.fullmatch(self.comparison)
        sides = match.group("left", "right") if match else ()
        measures = sides[:1] if match and NUMBER.fullmatch(sides[1]) else sides
        if not match or not all(METRIC_NAME.fullmatch(side.replace("*", "x")) for side in measures):
            raise ClaimError(f"claim {self.id}: {self.comparison!r} is not <measure> > <measure or number>")
        if self.investigation is not None and not SECTION.fullmatch(self.investigation):
            raise ClaimError(f"claim {self.id}: investigation {self.investigation!r} is not <chapter>#<heading>")
        if {side.count("*") for side in measures} not in ({0}, {1}):
            raise ClaimError(f"claim {self.id}: * must stand once on both sides, or on neither")
        if self.each is not None and "*" in self.comparison:
            raise ClaimError(f"claim {self.id}: either `each` or *, not both")
        if self.conditions is not None and "*" not in self.comparison:
            raise ClaimError(f"claim {self.id}: has conditions, but no * for them to stand in for")

    @property
    def sides(self) -> tuple[str, str, str]:
        """(left, "<", ">" or "!=", right)."""
        return COMPARISON.fullmatch(self.comparison).group("left", "sign", "right")


@dataclass(frozen=True)
class Verdict:
    """Whether a claim held under one condition ("" if it has none; "eps = 0.5" for a value of `each`).

    outcome: "holds", "fails", "within noise" or "not run". difference: left minus right, mean over seeds,
    with the ends `low` and `high` of its 95 % interval (NaN: no spread is known). left, right: the sides themselves,
    (mean, low, high); right is None where it is a number. over: "seeds" or "images", what the intervals speak of, ""
    for neither; paired: whether the difference was taken within each of them. images: how many, on each side.
    reason: why it was not run.
    """

    claim: Claim
    condition: str
    outcome: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    over: str = ""
    paired: bool = False
    images: tuple[int, ...] = ()
    left: Estimate | None = None
    right: Estimate | None = None
    reason: str = ""

    @property
    def sides(self) -> tuple[str, str, str]:
        """The claim's (left, sign, right) under this condition."""
        left, sign, right = self.claim.sides
        return left.replace("*", self.condition or "*"), sign, right.replace("*", self.condition or "*")


def load_claims(path: str | Path | None = None) -> list[Claim]:
    """The claims of a YAML file, in order; by default those of the book, `book/claims.yaml`.

    Raises ClaimError, FileNotFoundError.
    """
    if path is None:
        reference = reference_dir()
        if reference is None:
            raise FileNotFoundError("no book here: set ARAE_BOOK to the folder that holds _config.yml and book/")
        path = reference.parent / "claims.yaml"
    asked.add(Path(path).resolve())
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
    left, _, right = claim.sides
    usable = [r for r in records if claim.each in r.setting and _measured(r, left, right)]
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


def _measured(record: Record, left: str, right: str) -> bool:
    return left in record.metrics and bool(right in record.metrics or NUMBER.fullmatch(right))


def _verdict(claim: Claim, star: str, condition: str, records: list[Record]) -> Verdict:
    left, sign, right = (side.replace("*", star) for side in claim.sides)
    runs = list(by_seed(record for record in records if _measured(record, left, right)).values())
    if not runs:
        return Verdict(claim, condition, "not run", reason=claim.reason or _left_out(left, records))
    measures = [left] if NUMBER.fullmatch(right) else [left, right]
    means = [_mean([run.metrics[name] for run in runs]) for name in measures]
    if len(runs) > 1:
        over, paired = "seeds", True
        differences = [run.metrics[left]["value"] - _value(run, right) for run in runs]
        difference, low, high = of_numbers(differences)
    else:
        over = "images"
        (difference, low, high), paired = _over_images(runs[0], left, right)
    if isnan(low):
        over, paired = "", False
    claimed_low, claimed_high = (-high, -low) if sign == "<" else (low, high)
    outcome = "holds" if claimed_low > 0 else "fails" if claimed_high < 0 else "within noise"
    if sign == "!=" and outcome == "fails":
        outcome = "holds"
    images = tuple(int(runs[0].metrics[name]["n"]) for name in measures)
    return Verdict(claim, condition, outcome, difference, low, high, len(runs), over, paired, images,
                   means[0], means[1] if len(means) > 1 else None)


def _over_images(run: Record, left: str, right: str) -> tuple[Estimate, bool]:
    """Left minus right in one run, and whether it was taken image by image."""
    if NUMBER.fullmatch(right):
        mean, low, high = of_images(run.metrics[left])
        return (mean - float(right), low - float(right), high - float(right)), False
    if f"{left} - {right}" in run.pairs:
        return of_images(run.pairs[f"{left} - {right}"]), True
    if f"{right} - {left}" in run.pairs:
        mean, low, high = of_images(run.pairs[f"{right} - {left}"])
        return (-mean, -high, -low), True
    return of_two_means(run.metrics[left], run.metrics[right]), False


def _mean(summaries: list[dict[str, float]]) -> Estimate:
    """Over seeds where there are two, else over images."""
    return of_numbers([its["value"] for its in summaries]) if len(summaries) > 1 else of_images(summaries[0])


def _value(run: Record, name: str) -> float:
    return float(name) if NUMBER.fullmatch(name) else run.metrics[name]["value"]


def _left_out(measure: str, records: list[Record]) -> str:
    """Why the measure is missing, by the records: "trend/robust/lpips" is for want of LPIPS."""
    parts = measure.split("/")
    return next((record.left_out[part] for part in parts for record in records if part in record.left_out), "")
