"""The scorecard: every claim of the papers, and under each profile whether it held."""

from collections.abc import Iterable, Mapping
from math import isfinite

from .claims import Claim, Verdict, verdicts
from .record import Record
from .tables import Table, escape, measure

LEGEND = (
    "A number is the left side's mean minus the right side's, in brackets its 95 % interval: over seeds "
    "where two or more were run, else over images, which says nothing about other seeds. *Holds* or "
    "*fails*: the interval lies on the claimed side of zero, or the other; *within noise*: zero lies in it."
)


def scorecard(claims: Iterable[Claim], records_by_profile: Mapping[str, Iterable[Record]]) -> Table:
    """A claim and condition a row, a profile a column. Reasons for what was not run stand below.

    records_by_profile: profile to its records (of any chapters); an empty list shows as "not run".
    """
    records_by_profile = {profile: list(records) for profile, records in records_by_profile.items()}
    reasons: dict[str, str] = {}  # reason -> mark
    rows = [["Source", "Claim", "Comparison", *records_by_profile], [":--"] * (3 + len(records_by_profile))]
    for claim in claims:
        cells: dict[str, dict[str, str]] = {}  # condition -> profile -> text
        for profile, records in records_by_profile.items():
            for verdict in verdicts(claim, records):
                mark = ""
                if verdict.reason:
                    mark = " " + reasons.setdefault(verdict.reason, "*†‡§"[len(reasons) % 4])
                cells.setdefault(verdict.condition, {})[profile] = _text(verdict) + escape(mark)
        if len(cells) > 1:  # a profile without records knows no conditions; the others' do for it
            cells.pop("", None)
        for i, (condition, found) in enumerate(cells.items()):
            said = [escape(claim.source), escape(claim.text)] if i == 0 else ["", ""]
            comparison = "`" + claim.comparison.replace("*", condition or "*") + "`"
            if claim.each and condition:
                comparison += f" at {escape(condition)}"
            rows.append(said + [comparison] + [found.get(p, "not run") for p in records_by_profile])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [LEGEND] + [escape(f"{mark} {reason}.") for reason, mark in reasons.items()]
    return Table("\n".join(lines) + "\n\n" + "\n\n".join(notes))


def scorecard_markdown(claims: Iterable[Claim], records_by_profile: Mapping[str, Iterable[Record]]) -> str:
    """`scorecard` as the text of a page."""
    return scorecard(claims, records_by_profile).markdown


def _text(verdict: Verdict) -> str:
    if verdict.outcome == "not run":
        return "not run"
    kind = measure(verdict.claim.sides[0].split("/")[0])

    def shown(number: float) -> str:
        return f"{number * kind.scale:+.{kind.decimals}f}".replace("-", "−")

    interval = f" [{shown(verdict.low)}, {shown(verdict.high)}]" if isfinite(verdict.low) else ""
    count = f"{verdict.seeds} seeds" if verdict.seeds > 1 else "1 seed"
    return f"**{verdict.outcome}** {escape(shown(verdict.difference) + interval)}, {count}"
