"""What the papers claim, and whether it held in our runs: `book/claims.yaml` against records.

A verdict takes three seeds: a claim is tested on the difference within each of them (a paired t interval over seeds).
With fewer there is a run and no verdict. Of one seed the spread over images is known, which says nothing about other
seeds: the interval is that of the differences image by image where the record has them (`Record.pairs`), else Welch's
for two means that have nothing to do with each other, which is the wider one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

import yaml

from arae_core.store import asked, reference_dir

from .intervals import Estimate, of_images, of_measure, of_numbers, of_two_means
from .record import METRIC_NAME, Record, by_seed

COMPARISON = re.compile(r"(?P<left>\S+)\s+(?P<sign>[<>]|!=)\s+(?P<right>\S+)")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
SEEDS = 3  # fewest that a verdict takes
KINDS = ("paper", "ours", "check")
SECTION = re.compile(r"\w+#[\w-]+")  # <chapter>#<heading, in small letters with dashes>


class ClaimError(ValueError):
    """claims.yaml says something that cannot be tested; the message names file and claim."""


@dataclass(frozen=True)
class Reported:
    """What the paper itself measured: its number for the claim's left side, or for both sides, in `unit`, to within
    `tolerance` (half a unit of the last digit that it prints)."""

    value: tuple[float, ...]
    tolerance: float
    unit: str = ""

    def __post_init__(self):
        given = *(self.value if isinstance(self.value, tuple) else ()), self.tolerance
        if len(given) not in (2, 3) or not all(type(number) in (int, float) for number in given):
            raise ClaimError(
                f"reported: not one or two numbers and a tolerance: {self.value}, {self.tolerance}"
            )

    @property
    def texts(self) -> list[str]:
        """Of left and right; "" for a side that the paper says nothing of."""
        texts = [f"{number:g} ± {self.tolerance:g} {self.unit}".strip() for number in self.value]
        return [*texts, ""][:2]


@dataclass(frozen=True)
class Claim:
    """One comparison of two measures, or of one with a number; `*` in both stands for each of `conditions`
    (None: what both have). `chapter`: whose records count. `each`: a parameter; every value of it that was
    run has a verdict of its own. `reason`: why it cannot be measured here, for as long as it is not.
    `reported`: the paper's own numbers. `investigation`: where the book looks into why it fails, "<chapter>#<heading>".
    `kind`: "paper", what the paper says; "ours", a variant of that; "check", that a robust network is robust, say.
    """

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
    reported: Reported | None = None
    investigation: str | None = None
    kind: str = "paper"

    def __post_init__(self):
        match = COMPARISON.fullmatch(self.comparison)
        sides = match.group("left", "right") if match else ()
        measures = sides[:1] if match and NUMBER.fullmatch(sides[1]) else sides
        wrong = ""
        if not match or not all(METRIC_NAME.fullmatch(side.replace("*", "x")) for side in measures):
            wrong = f"{self.comparison!r} is not <measure> > <measure or number>"
        elif self.kind not in KINDS:
            wrong = f"kind {self.kind!r} is none of {', '.join(KINDS)}"
        elif self.investigation is not None and not SECTION.fullmatch(self.investigation):
            wrong = f"investigation {self.investigation!r} is not <chapter>#<heading>"
        elif {side.count("*") for side in measures} not in ({0}, {1}):
            wrong = "* must stand once on both sides, or on neither"
        elif self.each is not None and "*" in self.comparison:
            wrong = "either `each` or *, not both"
        elif self.conditions is not None and "*" not in self.comparison:
            wrong = "has conditions, but no * for them to stand in for"
        if wrong:
            raise ClaimError(f"claim {self.id}: {wrong}")

    @property
    def sides(self) -> tuple[str, str, str]:
        """(left, "<", ">" or "!=", right)."""
        left, sign, right = self.comparison.split()
        return left, sign, right


@dataclass(frozen=True)
class Verdict:
    """Whether a claim held under one condition ("" if it has none; "eps = 0.5" for a value of `each`).

    outcome: "holds", "fails" or "within noise", over `SEEDS` seeds or more; "one run" of fewer; "not testable" with its
    `reason`. difference: left minus right, mean over seeds, with the ends `low` and `high` of its 95 % interval (NaN:
    no spread is known). left, right: the sides themselves,
    (mean, low, high); right is None where it is a number. over: "seeds" or "images", what the intervals speak of, ""
    for neither; paired: whether the difference was taken within each of them. images: how many, on each side. leans: the
    side of zero on which the interval lies, 1 that of the claim, -1 the other, 0 neither. numbers: the difference in each
    seed. clusters: how many the images come in, photographs say; 0: none are known.
    """

    claim: Claim
    condition: str
    outcome: str
    difference: float = nan
    low: float = nan
    high: float = nan
    seeds: int = 0
    over: str = ""
    paired: bool = False
    images: tuple[int, ...] = ()
    left: Estimate = (nan, nan, nan)
    right: Estimate | None = None
    leans: int = 0
    numbers: tuple[float, ...] = ()
    clusters: int = 0
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
    path = Path(path or (reference_dir() or Path("book/reference")).parent / "claims.yaml").absolute()
    asked.add(path)
    try:
        claims = [_claim(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    except FileNotFoundError as error:
        hint = "set ARAE_BOOK to the folder that holds _config.yml and book/"
        raise FileNotFoundError(f"no claims at {path}: {hint}") from error
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
    wanted = [
        record
        for record in records
        if claim.chapter in (None, record.chapter)
        and (claim.profiles is None or record.profile in claim.profiles)
        and all(record.setting.get(name) == value for name, value in (claim.where or {}).items())
    ]
    if claim.each is None:
        conditions = claim.conditions or _shared_conditions(left, right, wanted)
        return [_verdict(claim, condition, condition, wanted) for condition in conditions or ("",)]
    at: dict[Any, list[Record]] = {}
    for record in wanted:
        if claim.each in record.setting and _measured(record, left, right):
            at.setdefault(record.setting[claim.each], []).append(record)
    found = [_verdict(claim, "", f"{claim.each} = {value:g}", at[value]) for value in sorted(at)]
    return found or [_verdict(claim, "", "", wanted)]


def _claim(**entry: Any) -> Claim:
    entry = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    if entry.get("reported") is not None:
        reported: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in entry["reported"].items()
        }
        entry["reported"] = Reported(**reported)
    return Claim(**entry)


def _shared_conditions(left: str, right: str, records: list[Record]) -> Iterable[str]:
    """What * can be, so that both sides were measured, in the order of the records."""
    if "*" not in left:
        return ()
    pattern = re.compile(re.escape(left).replace(r"\*", r"([\w.+=-]+)"))
    found = ((record, pattern.fullmatch(name)) for record in records for name in record.metrics)
    return dict.fromkeys(m[1] for r, m in found if m and _measured(r, m[0], right.replace("*", m[1])))


def _measured(record: Record, left: str, right: str) -> bool:
    return left in record.metrics and bool(right in record.metrics or NUMBER.fullmatch(right))


def _verdict(claim: Claim, star: str, condition: str, records: list[Record]) -> Verdict:
    left, sign, right = (side.replace("*", star) for side in claim.sides)
    runs = list(by_seed(record for record in records if _measured(record, left, right)).values())
    if not runs:
        return Verdict(claim, condition, "not testable", reason=claim.reason or _left_out(left, records))
    number = float(right) if NUMBER.fullmatch(right) else None
    sides = [[run.metrics[name] for run in runs] for name in ((left, right) if number is None else (left,))]
    pair = runs[0].pair(left, right)
    over, paired = ("seeds", True) if len(runs) > 1 else ("images", pair is not None)
    means = [of_measure(name, side) for name, side in zip((left, right), sides)]
    if len(runs) > 1:
        values = [[summary["value"] for summary in side] for side in sides]
        others = values[1] if number is None else [number] * len(runs)
        numbers = tuple(one - other for one, other in zip(values[0], others))
        difference, low, high = of_numbers(numbers)
    else:
        if number is not None:
            difference, low, high = (end - number for end in of_images(sides[0][0]))
        else:
            difference, low, high = of_images(pair) if pair else of_two_means(sides[0][0], sides[1][0])
        numbers = (difference,)
    if isnan(low):
        over, paired = "", False
    claimed_low, claimed_high = (-high, -low) if sign == "<" else (low, high)
    leans = 1 if claimed_low > 0 else -1 if claimed_high < 0 else 0
    leans = abs(leans) if sign == "!=" else leans
    outcome = {1: "holds", -1: "fails", 0: "within noise"}[leans] if len(runs) >= SEEDS else "one run"
    reason = ""
    if difference == low == high == 0 and len(runs) > 1:
        outcome, reason = (
            "not testable",
            "The two sides are equal in every run (a peak at the end of its range, say)",
        )
    images = tuple(int(side[0]["n"]) for side in sides)
    right_mean = means[1] if number is None else None
    over_what = len(runs), over, paired, images
    return Verdict(
        claim,
        condition,
        outcome,
        difference,
        low,
        high,
        *over_what,
        means[0],
        right_mean,
        leans,
        numbers,
        int(sides[0][0].get("clusters", 0)),
        reason,
    )


def _left_out(measure: str, records: list[Record]) -> str:
    """Why the measure is missing, by the records: "trend/robust/lpips" is for want of LPIPS."""
    reasons = (r.left_out.get(part) for part in measure.split("/") for r in records)
    return next(filter(None, reasons), "")
