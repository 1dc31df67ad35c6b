"""Pages drawn from records: `book/_generated/*.md`, which the book's own pages include, and README's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from .chapters import DEFAULT, Refused, all_chapters, chapters_in_order
from .models import models_page
from .profiles import profiles_of, settings
from .runs import RunFailed

if TYPE_CHECKING:
    from arae_core.results import Record

SCALES = ("smoke", DEFAULT, "cifar10", "tiny-imagenet", "paper")  # small to large
THREE_TASKS = "book/three_tasks.yaml"
_BEGIN, _END = "<!-- results: drawn by `arae refresh` -->", "<!-- end of results -->"
_LOSSES = ("pixel", "pixel+feature", "pixel+feature+gan")
_TIMES = """\
Hours, minutes and seconds from a run's first cell to its record: the longest and the shortest of those that are
committed. What a run found in the store it did not train, so times of the same chapter differ."""


def generated(root: Path, build_records: Iterable[Path]) -> dict[str, str]:
    """The text of each generated page, by its path under the root.

    The scorecard and the three tasks are drawn from the build's records and the committed ones
    (`book/reference/**/records/*.json`), all else from the committed ones alone. Raises RunFailed, with the file's
    path, for a record, claim or model that cannot be read.
    """
    from arae_core.results import ClaimError, Record, RecordError
    from arae_core.training import CheckpointError

    try:
        committed = [Record.read(path) for path in sorted((root / "book/reference").rglob("records/*.json"))]
        by_profile = _by_profile([Record.read(path) for path in build_records], committed)
        pages = {
            "scorecard": _scorecard(root, by_profile),
            "costs": _times(root, committed),
            "models": models_page(),
        }
        if (root / THREE_TASKS).is_file():
            pages["three_tasks"] = _three_tasks(root, by_profile)
        return {f"book/_generated/{name}.md": text for name, text in pages.items()} | _readme(root, committed)
    except (CheckpointError, ClaimError, RecordError) as error:
        raise RunFailed(f"a page cannot be drawn from the records: {error}") from error


def in_order(profiles: Iterable[str]) -> list[str]:
    """Profiles from small scale to large, then those of single chapters by name."""
    present = set(profiles)
    return [*(p for p in SCALES if p in present), *sorted(present.difference(SCALES))]


def _readme(root: Path, committed: Sequence[Record]) -> dict[str, str]:
    """README.md with the tables between its two markers drawn anew."""
    from arae_core.results import table

    path = root / "README.md"
    if not path.is_file() or _BEGIN not in (text := path.read_text(encoding="utf-8")):
        return {}
    head, rest = text.split(_BEGIN, 1)
    tail = rest.split(_END, 1)[1]
    found = [[r for r in committed if (r.chapter, r.profile) == ("inversion", profile)] for profile in SCALES]
    tables = [table(records, ["psnr", "ssim"], conditions=_LOSSES).markdown for records in found if records]
    return {"README.md": f"{head}{_BEGIN}\n\n" + "\n\n".join(tables) + f"\n\n{_END}{tail}"}


def _times(root: Path, committed: Sequence[Record]) -> str:
    """How long the committed runs took, a chapter, profile and machine a row."""
    rows = []
    for chapter in chapters_in_order(root):
        own = [r for r in committed if r.chapter == chapter.name and not r.point]
        devices = sorted({r.device for r in own})
        for profile, device in product(in_order({r.profile for r in own}), devices):
            seconds = [round(r.seconds) for r in own if (r.profile, r.device) == (profile, device)]
            if not seconds:
                continue
            span = [str(timedelta(seconds=bound)) for bound in (max(seconds), min(seconds))]
            rows.append([chapter.name, f"`{profile}`", device, *span, str(len(seconds))])
    head = [["chapter", "profile", "machine", "longest", "shortest", "runs"], [":--"] * 3 + ["--:"] * 3]
    return "\n".join(f"| {' | '.join(row)} |" for row in head + rows) + f"\n\n{_TIMES}\n"


def _by_profile(ours: Sequence[Record], committed: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of the build and the committed ones, of each profile that has any, from small scale to large."""
    records = [*ours, *(record for record in committed if not any(_displaces(own, record) for own in ours))]
    profiles = in_order({record.profile for record in records} | {DEFAULT})
    return {profile: [r for r in records if r.profile == profile] for profile in profiles}


def _scorecard(root: Path, by_profile: dict[str, list[Record]]) -> str:
    """The page of claims: each under the profiles that its chapter has, those without a record too."""
    from arae_core.results import load_claims, scorecard_markdown

    chapters = all_chapters(root)
    claims = []
    for claim in load_claims(root / "book" / "claims.yaml"):
        if claim.profiles is None and claim.chapter in chapters:
            claim = replace(claim, profiles=tuple(profiles_of(claim.chapter, root)))
        claims.append(claim)
    known = {profile for claim in claims for profile in claim.profiles or ()} - {"smoke"}
    profiles = in_order(known | by_profile.keys())
    links = {c.name: c.path.relative_to(root / "book").as_posix() for c in chapters_in_order(root)}
    return scorecard_markdown(claims, {profile: by_profile.get(profile, []) for profile in profiles}, links)


def _three_tasks(root: Path, by_profile: dict[str, list[Record]]) -> str:
    """A table for each scale at which one of the tasks was run (and for the default one, run or not)."""
    from arae_core.results import load_sides, side_by_side

    parts = load_sides(root / THREE_TASKS)
    tasks = {row["chapter"] for part in parts for row in part["rows"]}
    sections = []
    for profile, records in by_profile.items():
        if profile == DEFAULT or profile != "smoke" and len({r.chapter for r in records} & tasks) > 1:
            notes = sorted({r.data["notes"] for r in records if r.chapter in tasks and r.data["notes"]})
            said = f" ({', '.join(notes)})" if notes else ""
            sections.append(f"## Profile `{profile}`{said}\n\n{side_by_side(parts, records).markdown}\n")
    return "\n".join(sections)


def _displaces(own: Record, committed: Record) -> bool:
    """Whether the build's record replaces a committed one: it is the same run, or the chapter's parameters have changed
    since, so that the two no longer compare. Of two seeds the crops of the same data may differ."""
    from arae_core.results import EXTENT

    if (own.chapter, own.profile, own.point) != (committed.chapter, committed.profile, committed.point):
        return False
    try:
        usual = settings(own.chapter).literals()  # what a record lacks counts as made at the default
    except Refused:
        usual = {}
    ours, theirs = ({**usual, **record.parameters} for record in (own, committed))
    changed = {name for name in ours | theirs if ours.get(name) != theirs.get(name)} - EXTENT - {"seed"}
    return own.seed == committed.seed or bool(changed) or own.data["name"] != committed.data["name"]
