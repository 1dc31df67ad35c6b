"""The scorecard: every claim of the papers, what was measured of it, and whether it held, profile by profile.

Nobody types a verdict: all are computed from records (`verdicts`).
"""

from collections.abc import Iterable, Mapping
from math import isfinite

from .claims import NUMBER, Claim, Verdict, verdicts
from .intervals import Estimate
from .record import Record
from .tables import Measure, Table, escape, measure

SIGNS = {"holds": "✔", "fails": "✘", "within noise": "≈", "not run": "–"}
LEGEND = (
    "Of each side the mean, of left minus right the mean difference, in brackets 95 % intervals: over seeds where two "
    "or more were run, else over images, which says nothing about other seeds. *Paired*: the difference was taken "
    "image by image (over several seeds always within each seed); *unpaired*: the record has the two sides only, and "
    "Welch's interval is the wider one. ✔ *holds*, ✘ *fails*: the interval lies on the claimed side of zero, or on the "
    "other; ≈ *within noise*: zero lies in it, or no spread is known."
)
NO_RECORD, NOT_IN_RECORD = "The chapter has no record there yet", "The chapter's record there does not hold it"
_COLUMNS = ("Source", "Claim", "Left", "", "Right", "Left − right", "Verdict", "Chapter")


def scorecard(claims: Iterable[Claim], records_by_profile: Mapping[str, Iterable[Record]]) -> Table:
    """For a chapter: a table for each profile with a record of these claims, a claim and condition a row, and below
    what was not run, with the reason. Claims of chapters that have none of the records are left out.

    records_by_profile: profile to its records (of any chapters).
    """
    records_by_profile = {profile: list(records) for profile, records in records_by_profile.items()}
    present = {record.chapter for records in records_by_profile.values() for record in records}
    claims = [claim for claim in claims if not present or claim.chapter is None or claim.chapter in present]
    card = _judged(claims, records_by_profile)
    several = len(card) > 1
    parts = []
    for profile, found in card.items():
        if rows := _rows(found):
            parts += [f"**Profile `{profile}`**"] * several + [rows]
    missing = _not_run(card, records_by_profile)
    return Table("\n\n".join([*parts, *([LEGEND] if parts else []), *(["**Not run**", missing] if missing else [])]))


def scorecard_markdown(
    claims: Iterable[Claim],
    records_by_profile: Mapping[str, Iterable[Record]],
    chapters: Mapping[str, str] | None = None,
) -> str:
    """The text of a page, with headings: counts of verdicts, a section a profile that has records, and what was not run.

    records_by_profile: profile to its records; an empty list for one that has none yet. chapters: a chapter's name to
    its address, relative to the page, for links.
    """
    claims = list(claims)
    records_by_profile = {profile: list(records) for profile, records in records_by_profile.items()}
    card = _judged(claims, records_by_profile)
    parts = ["## In numbers", _summary(card, len(claims)), LEGEND]
    for profile, found in card.items():
        if rows := _rows(found, chapters or {}):
            data = _data(records_by_profile[profile], {v.claim.chapter for v in found if v.outcome != "not run"})
            parts += [f"## Profile `{profile}`", f"Data: {data}.", _div("scorecard full-width", rows)]
    missing = _not_run(card, records_by_profile)
    return "\n\n".join(parts + ["## Not run", _div("not-run", missing)] * bool(missing)) + "\n"


def _judged(claims: Iterable[Claim], records: Mapping[str, list[Record]]) -> dict[str, list[Verdict]]:
    """The verdicts under each profile, of those claims that can be tested there."""
    claims = list(claims)
    return {
        profile: [verdict for claim in claims if claim.profiles is None or profile in claim.profiles
                  for verdict in verdicts(claim, of_profile)]
        for profile, of_profile in records.items()
    }


def _summary(card: Mapping[str, list[Verdict]], claims: int) -> str:
    """A profile a row: how many of its verdicts are what."""
    head = ["Profile", "claims", *(f"{sign} {outcome}" for outcome, sign in SIGNS.items())]
    lines = [head, [":--"] + ["--:"] * (len(head) - 1)]
    for profile, found in card.items():
        counts = [sum(verdict.outcome == outcome for verdict in found) for outcome in SIGNS]
        lines.append([f"`{profile}`", *map(str, [len(found), *counts])])
    said = (f"{claims} claims, each a comparison of measures; under several conditions, or at several values of a "
            "parameter, a claim counts as often. A profile has those that its chapters can test.")
    return _table(lines) + "\n\n" + said


def _rows(found: Iterable[Verdict], chapters: Mapping[str, str] | None = None) -> str:
    """The table of what was measured, "" if nothing was; with links if there are addresses of chapters."""
    lines, former = [], None
    for verdict in found:
        if verdict.outcome == "not run":
            continue
        claim = verdict.claim
        said = ["", ""] if claim is former else [escape(claim.source), escape(claim.text)]
        if claim.each and verdict.condition:
            said[1] += f" *{escape(verdict.condition)}*"
        lines.append([*said, *_sides(verdict), _difference(verdict), *_outcome(verdict, chapters)])
        former = claim
    if not lines:
        return ""
    head = list(_COLUMNS if chapters is not None else _COLUMNS[:-1])
    return _table([head, [":--"] * len(head), *lines])


def _sides(verdict: Verdict) -> list[str]:
    left, sign, right = verdict.sides
    kind = measure(left.split("/")[0])
    number = NUMBER.fullmatch(right)
    shown = right if number else f"`{right}` {_estimate(verdict.right, kind)}"
    return [f"`{left}` {_estimate(verdict.left, kind)}", escape(sign), shown]


def _difference(verdict: Verdict) -> str:
    kind = measure(verdict.sides[0].split("/")[0])
    shown = _estimate((verdict.difference, verdict.low, verdict.high), kind, signed=True)
    return f"{shown}, {_over(verdict)}"


def _over(verdict: Verdict) -> str:
    """What the interval speaks of: "3 seeds", or "1 seed, 1,000 images, paired"; a count stays with its noun."""
    if verdict.seeds > 1:
        return f"{verdict.seeds}\u00a0seeds"
    if not verdict.over:
        return "1\u00a0seed"
    images = " and ".join(f"{n:,}" for n in dict.fromkeys(verdict.images)) + "\u00a0images"
    kind = "" if verdict.right is None else ", paired" if verdict.paired else ", unpaired"
    return f"1\u00a0seed, {images}{kind}"


def _outcome(verdict: Verdict, chapters: Mapping[str, str] | None) -> list[str]:
    """The verdict, with a link to its investigation if it fails, and the chapter's link if there are addresses."""
    text = f"{SIGNS[verdict.outcome]}\u00a0**{verdict.outcome}**"
    if chapters is None:
        return [text]
    place, _, section = (verdict.claim.investigation or "").partition("#")
    if verdict.outcome == "fails" and place in chapters:
        text += f" ([why]({chapters[place]}#{section}))"
    name = verdict.claim.chapter
    shown = (name or "").replace("_", " ")
    return [text, f"[{shown}]({chapters[name]})" if name in chapters else shown]


def _estimate(estimate: Estimate, kind: Measure, signed: bool = False) -> str:
    """A mean and its interval, as they stand in a table."""

    def shown(number: float) -> str:
        return f"{number * kind.scale:{'+' if signed else ''}.{kind.decimals}f}".replace("-", "−")

    mean, low, high = estimate
    return shown(mean) + (f" [{shown(low)},\u00a0{shown(high)}]" if isfinite(low) else "")


def _not_run(card: Mapping[str, list[Verdict]], records: Mapping[str, list[Record]]) -> str:
    """What has no verdict, in a table for each reason: a claim a row, with the profiles.

    A profile without any record is named once below, and counts only for claims that no other profile could test.
    """
    ran = [profile for profile in card if records[profile]]
    tested = {verdict.claim.id for profile in ran for verdict in card[profile]}
    found: dict[str, dict[str, dict[str, list[str]]]] = {}  # reason -> claim -> condition -> profiles
    by_id: dict[str, Claim] = {}
    for profile, of_profile in card.items():
        for verdict in of_profile:
            if verdict.outcome == "not run" and (profile in ran or verdict.claim.id not in tested):
                by_id[verdict.claim.id] = verdict.claim
                of_claim = found.setdefault(_why(verdict, records[profile]), {}).setdefault(verdict.claim.id, {})
                of_claim.setdefault(verdict.condition, []).append(f"`{profile}`")
    parts = []
    for reason, rows in found.items():
        lines = [["Source", "Claim", "Profiles"], [":--"] * 3]
        for name, where in rows.items():
            claim = by_id[name]
            for profiles in dict.fromkeys(map(tuple, where.values())):  # conditions with the same profiles share a row
                conditions = ", ".join(escape(c) for c, its in where.items() if c and tuple(its) == profiles)
                at = f" at each {claim.each}" if claim.each else f" for {conditions}" if conditions else ""
                said = f"{escape(claim.text)} `{claim.comparison}`{at}"
                lines.append([escape(claim.source), said, ", ".join(profiles)])
        parts += [f"{escape(reason)}:", _table(lines)]
    nothing = [f"`{profile}`" for profile in card if profile not in ran]
    return "\n\n".join(parts + [f"Nothing has been run yet at {', '.join(nothing)}."] * bool(nothing))


def _why(verdict: Verdict, records: list[Record]) -> str:
    there = {record.chapter for record in records}
    return verdict.reason or (NOT_IN_RECORD if verdict.claim.chapter in there else NO_RECORD)


def _data(records: list[Record], chapters: set[str | None]) -> str:
    """The data that these chapters' records were measured on, with what has to be said of them."""
    of_chapters = [record for record in records if record.chapter in chapters or None in chapters]
    return ", ".join(dict.fromkeys(
        escape(r.data["name"] + (f" ({r.data['notes']})" if r.data["notes"] else "")) for r in of_chapters
    ))


def _table(lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _div(classes: str, text: str) -> str:
    """For the page's style sheet; `full-width` is the theme's, and takes the right margin too."""
    return f":::{{div}} {classes}\n\n{text}\n\n:::"
