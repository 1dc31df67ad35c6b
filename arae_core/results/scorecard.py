"""The scorecard: every claim of the papers, what was measured of it, and whether it held, profile by profile; and two
sides of measures from several chapters in one table: what one of them bought, and what it cost.

Nobody types a verdict or a number: all are computed from records (`verdicts`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from arae_core.store import asked

from .claims import Claim, ClaimError, Verdict, verdicts
from .intervals import Estimate
from .record import Record, RecordError
from .tables import Table, escape, lines, measure

ByProfile = Mapping[str, Iterable[Record]]
SIGNS = {"holds": "✔", "fails": "✘", "within noise": "≈", "one run": "•", "not testable": "–"}
LEGEND = (
    "Of each side the mean, of left minus right the mean difference, in brackets 95 % intervals: over seeds where two "
    "or more were run, else over images, which says nothing about other seeds. A verdict takes three seeds. ✔ *holds*, "
    "✘ *fails*: the interval over seeds lies on the claimed side of zero, or on the other; ≈ *within noise*: zero lies "
    "in it, and a difference of less than half its width could not have been seen. • *one run*: one seed or two, and "
    "where its interval lies. *Paired*: the difference was taken image by image; *unpaired*: the record has the two "
    "sides only, and Welch's interval is the wider one."
)
REPORTED = " *Reported*: what the paper measured, on its own data; no verdict rests on it."
NOTE = (
    "Means over seeds; in brackets the 95 % interval of the difference, over seeds where two or more were run, "
    "else over images, which says nothing about other seeds."
)
OTHERS = "Variants of ours, and checks that a robust network is robust, which do not count:"
NO_RECORD = "The chapter has no record there yet"
NOT_IN_RECORD = "The chapter's record there does not hold it"
_COLUMNS = ["Source", "Claim", "Left", "", "Right", "Left − right", "Verdict"]


def scorecard(claims: Iterable[Claim], records_by_profile: ByProfile) -> Table:
    """For a chapter: a table for each profile with a record of these claims, a claim and condition a row, and below
    what is not testable, with the reason. Claims of chapters that have none of the records are left out.

    records_by_profile: profile to its records (of any chapters).
    """
    found = {profile: list(records) for profile, records in records_by_profile.items()}
    present = {record.chapter for records in found.values() for record in records}
    card = _judged([c for c in claims if not present or c.chapter is None or c.chapter in present], found)
    tables = {profile: rows for profile, of_profile in card.items() if (rows := _parts(of_profile))}
    heads = {profile: f"**Profile `{profile}`**\n\n" if len(card) > 1 else "" for profile in card}
    parts = [heads[profile] + rows for profile, rows in tables.items()] + [_legend(card)] * bool(tables)
    missing = _not_run(card, found)
    return Table("\n\n".join(parts + ["**Not testable here**", missing] * bool(missing)))


def scorecard_markdown(
    claims: Iterable[Claim], records_by_profile: ByProfile, chapters: Mapping[str, str] | None = None
) -> str:
    """The text of a page: counts of verdicts, a section a profile that has records with a table a chapter, folded, and
    what cannot be tested.

    records_by_profile: profile to its records; an empty list for one that has none yet. chapters: a chapter's name to
    its address, relative to the page, for links.
    """
    claims, addresses = list(claims), chapters or {}
    records = {profile: list(of_profile) for profile, of_profile in records_by_profile.items()}
    card = _judged(claims, records)
    parts = ["## In numbers", _summary(card), _legend(card)]
    for profile, found in card.items():
        tested = {v.claim.chapter: None for v in found if v.outcome != "not testable"}
        if tested:
            used = [record for record in records[profile] if record.chapter in tested or None in tested]
            data = ", ".join(dict.fromkeys(escape(record.data_said) for record in used))
            parts += [f"## Profile `{profile}`", f"Data: {data}."]
        for chapter in tested:
            of_chapter = [verdict for verdict in found if verdict.claim.chapter == chapter]
            title = (chapter or "whole book").replace("_", " ")
            rows = _div("scorecard full-width", _parts(of_chapter, addresses))
            said = _counted(of_chapter)
            counts = ", ".join(f"{count} {outcome}" for outcome, count in said.items() if count)
            parts.append(f"::::{{dropdown}} {title}: {counts or 'checks'}\n\n{rows}\n\n::::")
    missing = _not_run(card, records)
    return "\n\n".join(parts + ["## Not testable here", _div("not-run", missing)] * bool(missing)) + "\n"


def judged_differences(
    claims: Iterable[Claim], records: Iterable[Record], metric: str
) -> dict[str, tuple[tuple[float, ...], Estimate]]:
    """For `figures.difference_dots`: of the paper's claims on a metric ("psnr") that were tested over enough seeds, by
    source and condition, the difference in each seed, its mean and interval; what is claimed lies right of zero."""
    rows, records = {}, list(records)
    for verdict in [verdict for claim in claims for verdict in verdicts(claim, records)]:
        (left, sign, right), claim = verdict.sides, verdict.claim
        judged = verdict.outcome in ("holds", "fails", "within noise") and claim.kind == "paper"
        if judged and left.split("/")[0] == metric and sign != "!=":
            turn = -1 if sign == "<" else 1
            low, high = sorted((turn * verdict.low, turn * verdict.high))
            sides = " − ".join(side.split("/")[1] for side in (left, right) if "/" in side)
            name = f"{claim.source.partition(', ')[2]}, {verdict.condition or sides}"
            numbers = tuple(turn * number for number in verdict.numbers)
            rows[name] = numbers, (turn * verdict.difference, low, high)
    return rows


def load_sides(path: str | Path) -> list[dict[str, Any]]:
    """What `side_by_side` compares, of a YAML file: parts {"part", "rows"}, a row {"chapter", "what", "left", "right"}.

    Raises ClaimError, which names the file, if a row is not whole.
    """
    asked.add(Path(path).absolute())
    try:
        parts = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        for row in [row for part in parts for row in part["rows"]]:
            if set(row) != {"chapter", "what", "left", "right"}:
                raise ClaimError(f"the row {row} must have chapter, left, right, what, and no more")
            _right_above_left(row)
    except (yaml.YAMLError, TypeError, KeyError, ClaimError) as error:
        raise ClaimError(f"{path}: {error}") from error
    return parts


def side_by_side(parts: Iterable[Mapping[str, Any]], records: Iterable[Record]) -> Table:
    """A row's measure left (standard) and right (robust), and right minus left with its 95 % interval, over seeds where there are two.

    records: of one profile, of any chapters. A row without a record stays, with dashes.
    """
    records = list(records)
    text = ["| | standard | robust | robust − standard | |", "| :-- | --: | --: | --: | :-- |"]
    for part in parts:
        text.append(f"| **{escape(part['part'])}** | | | | |")
        text += [lines([_sides_row(row, records)]) for row in part["rows"]]
    return Table("\n".join(text) + "\n\n" + NOTE)


def _sides_row(row: Mapping[str, str], records: list[Record]) -> list[str]:
    kind = measure(row["left"])
    what = f"{escape(row['what'])} {kind.better}".strip()
    try:
        (verdict,) = verdicts(_right_above_left(row), records)
    except RecordError:
        verdict = None
    if verdict is None or verdict.right is None:
        return [what, "–", "–", "–", "not run"]
    change = kind.estimate((verdict.difference, verdict.low, verdict.high), "+", gap=" ")
    seeds = f"{verdict.seeds} seed{'s' if verdict.seeds > 1 else ''}"
    return [what, kind.shown(verdict.right[0]), kind.shown(verdict.left[0]), escape(change), seeds]


def _right_above_left(row: Mapping[str, str]) -> Claim:
    return Claim("row", "", "", f"{row['right']} > {row['left']}", chapter=row["chapter"])


def _judged(claims: Iterable[Claim], records: Mapping[str, list[Record]]) -> dict[str, list[Verdict]]:
    """The verdicts under each profile, of those claims that can be tested there."""
    card: dict[str, list[Verdict]] = {profile: [] for profile in records}
    for claim in claims:
        for profile in [p for p in records if claim.profiles is None or p in claim.profiles]:
            card[profile] += verdicts(claim, records[profile])
    return card


def _legend(card: Mapping[str, list[Verdict]]) -> str:
    shown = (verdict for found in card.values() for verdict in found if verdict.outcome != "not testable")
    return LEGEND + REPORTED * any(verdict.claim.reported for verdict in shown)


def _summary(card: Mapping[str, list[Verdict]]) -> str:
    """A profile a row: how many of the paper's claims are what, and how many there are beside them."""
    rows = [["Profile", "claims", *(f"{sign} {outcome}" for outcome, sign in SIGNS.items())]]
    rows.append([":--"] + ["--:"] * (len(rows[0]) - 1))
    for profile, found in card.items():
        counts = _counted(found)
        rows.append([f"`{profile}`", *map(str, [sum(counts.values()), *counts.values()])])
    others = {
        verdict.claim.id for found in card.values() for verdict in found if verdict.claim.kind != "paper"
    }
    said = (
        "A claim of a paper counts once: under several conditions, or at several values of a parameter, it is what it "
        f"is where it does worst. {len(others)} variants of ours and checks stand apart and do not count. A profile "
        "has those claims that its chapters can test."
    )
    return lines(rows) + "\n\n" + said


def _counted(found: Iterable[Verdict]) -> dict[str, int]:
    """Outcome to the number of the paper's claims of which it is the worst, where they could be tested at all."""
    severity = ["not testable", "holds", "one run", "within noise", "fails"]
    worst: dict[str, str] = {}
    for verdict in found:
        if verdict.claim.kind == "paper":
            so_far = worst.get(verdict.claim.id, "not testable")
            worst[verdict.claim.id] = max(so_far, verdict.outcome, key=severity.index)
    return {outcome: list(worst.values()).count(outcome) for outcome in SIGNS}


def _parts(found: Iterable[Verdict], chapters: Mapping[str, str] | None = None) -> str:
    """The table of the paper's claims, and that of the others below it."""
    found = list(found)
    own = _rows([verdict for verdict in found if verdict.claim.kind == "paper"], chapters)
    others = _rows([verdict for verdict in found if verdict.claim.kind != "paper"], chapters)
    return "\n\n".join(filter(None, [own, OTHERS * bool(others), others]))


def _rows(found: Iterable[Verdict], chapters: Mapping[str, str] | None = None) -> str:
    """The table of what was measured, "" if nothing was; with links if there are addresses of chapters."""
    found = [verdict for verdict in found if verdict.outcome != "not testable"]
    head = _COLUMNS + ["Chapter"] * (chapters is not None)
    rows, former = [head, [":--"] * len(head)], None
    for verdict in found:
        claim = verdict.claim
        said = ["", ""] if claim is former else [escape(claim.source), escape(claim.text)]
        if claim.each and verdict.condition:
            said[1] += f" *{escape(verdict.condition)}*"
        rows.append([*said, *_measured(verdict), _outcome(verdict, chapters or {})])
        if chapters is not None:
            name = (claim.chapter or "").replace("_", " ")
            address = chapters.get(claim.chapter or "")
            rows[-1].append(f"[{name}]({address})" if address else name)
        former = claim
    return lines(rows) if found else ""


def _measured(verdict: Verdict) -> list[str]:
    """The two sides, the sign between them, and what they differ by."""
    left, sign, right = verdict.sides
    kind = measure(left)
    shown = [f"`{left}` {kind.estimate(verdict.left)}", right]
    if verdict.right is not None:
        shown[1] = f"`{right}` {kind.estimate(verdict.right)}"
    if said := verdict.claim.reported:
        shown = [f"{ours}; reported {theirs}" if theirs else ours for ours, theirs in zip(shown, said.texts)]
    difference = kind.estimate((verdict.difference, verdict.low, verdict.high), "+")
    return [shown[0], escape(sign), shown[1], f"{difference}, {_over(verdict)}"]


def _over(verdict: Verdict) -> str:
    """What the interval speaks of: "3 seeds", or "1 seed, 1,000 images, paired"; a count stays with its noun."""
    if verdict.seeds > 1:
        return f"{verdict.seeds}\u00a0seeds"
    if not verdict.over:
        return "1\u00a0seed"
    images = " and ".join(f"{n:,}" for n in dict.fromkeys(verdict.images)) + "\u00a0images"
    images += f" in {verdict.clusters}\u00a0clusters" if verdict.clusters else ""
    kind = "" if verdict.right is None else ", paired" if verdict.paired else ", unpaired"
    return f"1\u00a0seed, {images}{kind}"


def _outcome(verdict: Verdict, chapters: Mapping[str, str]) -> str:
    """The verdict, with a link to its investigation if it fails, and with what is known where it is none."""
    text = f"{SIGNS[verdict.outcome]}\u00a0**{verdict.outcome}**"
    if verdict.outcome == "one run":
        text += ", " + {1: "as claimed", -1: "against it", 0: "either way"}[verdict.leans]
    elif verdict.outcome == "within noise":
        text += f" (±{measure(verdict.sides[0]).shown((verdict.high - verdict.low) / 2)})"
    place, _, section = (verdict.claim.investigation or "").partition("#")
    linked = verdict.leans < 0 and place in chapters
    return text + (f" ([why]({chapters[place]}#{section}))" if linked else "")


def _not_run(card: Mapping[str, list[Verdict]], records: Mapping[str, list[Record]]) -> str:
    """What cannot be tested, in a table for each reason: a claim a row, with the profiles.

    A profile without any record is named once below, and counts only for claims that no other profile could test.
    """
    tested = {verdict.claim.id for profile in card if records[profile] for verdict in card[profile]}
    found: dict[str, dict[str, dict[str, list[str]]]] = {}  # reason -> claim -> condition -> profiles
    by_id = {}
    for profile, of_profile in card.items():
        there = {record.chapter for record in records[profile]}
        for verdict in of_profile:
            claim = by_id[verdict.claim.id] = verdict.claim
            if verdict.outcome == "not testable" and (there or claim.id not in tested):
                why = verdict.reason or (NOT_IN_RECORD if claim.chapter in there else NO_RECORD)
                conditions = found.setdefault(why, {}).setdefault(claim.id, {})
                conditions.setdefault(verdict.condition, []).append(f"`{profile}`")
    parts = []
    for reason, of_reason in found.items():
        rows = [["Source", "Claim", "Profiles"], [":--"] * 3]
        for name, where in of_reason.items():
            claim = by_id[name]
            for same in dict.fromkeys(
                map(tuple, where.values())
            ):  # conditions of the same profiles share a row
                names = ", ".join(escape(c) for c, at in where.items() if c and tuple(at) == same)
                what = f" at each {claim.each}" if claim.each else f" for {names}" if names else ""
                said = f"{escape(claim.text)} `{claim.comparison}`{what}"
                rows.append([escape(claim.source), said, ", ".join(same)])
        parts += [f"{escape(reason)}:", lines(rows)]
    nothing = ", ".join(f"`{profile}`" for profile in card if not records[profile])
    return "\n\n".join(parts + [f"Nothing has been run yet at {nothing}."] * bool(nothing))


def _div(classes: str, text: str) -> str:
    """For the page's style sheet; `full-width` is the theme's, and takes the right margin too."""
    return f":::{{div}} {classes}\n\n{text}\n\n:::"
