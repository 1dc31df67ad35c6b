"""Pages drawn from records: `book/_generated/*.md`, which the book's own pages include."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .chapters import DEFAULT, all_chapters, chapters_in_order
from .cost_tables import SCALES, in_order, overview
from .costs import CostError, recorded
from .execute import RunFailed
from .models import models_page
from .speed import speed

if TYPE_CHECKING:
    from arae_core.results import Record

_BEGIN, _END = "<!-- results: drawn by `arae refresh` -->", "<!-- end of results -->"
THREE_TASKS = "book/three_tasks.yaml"
_LOSSES = ("pixel", "pixel+feature", "pixel+feature+gan")


def generated(root: Path, build_records: Iterable[Path]) -> dict[str, str]:
    """The text of each generated page, by its path under the root.

    Drawn from the build's records and the committed ones (`book/reference/**/records/*.json`), and what the
    chapters cost from the committed costs alone, so that a build does not change a committed page. Raises
    RunFailed, with the file's path, for a record or claim that cannot be read.
    """
    from arae_core.results import ClaimError, RecordError
    from benchmarks.harness import BenchError
    from arae_core.training import CardError

    try:
        by_profile = _by_profile(root, build_records)
        pages = {"scorecard": _scorecard(root, by_profile),
                 "costs": overview(chapters_in_order(root), recorded(root)), "speed": speed(root),
                 "models": models_page(root)}
        if (root / THREE_TASKS).is_file():
            pages["three_tasks"] = _three_tasks(root, by_profile)
        return {f"book/_generated/{name}.md": text for name, text in pages.items()} | _readme(root)
    except (BenchError, CardError, ClaimError, CostError, RecordError) as error:
        raise RunFailed(f"a page cannot be drawn from the records: {error}") from error


def _readme(root: Path) -> dict[str, str]:
    """README.md with the tables between its two markers drawn anew, from committed records alone."""
    from arae_core.results import read_all, table

    path = root / "README.md"
    if not path.is_file() or _BEGIN not in (text := path.read_text(encoding="utf-8")):
        return {}
    head, rest = text.split(_BEGIN, 1)
    tail = rest.split(_END, 1)[1]
    tables = []
    for profile in SCALES:
        records = [r for r in read_all(root / "book" / "reference" / profile / "records") if r.chapter == "inversion"]
        if records:
            tables.append(table(records, ["psnr", "ssim"], conditions=_LOSSES).markdown)
    return {"README.md": f"{head}{_BEGIN}\n\n" + "\n\n".join(tables) + f"\n\n{_END}{tail}"}


def _by_profile(root: Path, build_records: Iterable[Path]) -> dict[str, list[Record]]:
    """The records of the build and the committed ones, of each profile that has any, from small scale to large."""
    from arae_core.results import Record

    ours = [Record.read(path) for path in build_records]
    committed = [Record.read(path) for path in sorted((root / "book" / "reference").rglob("records/*.json"))]
    records = ours + [record for record in committed if not any(_displaces(own, record) for own in ours)]
    present = {record.profile for record in records} | {DEFAULT}
    return {p: [r for r in records if r.profile == p] for p in in_order(present)}


def _scorecard(root: Path, by_profile: dict[str, list[Record]]) -> str:
    """The page of claims: each under the profiles that its chapter has, those without a record too."""
    from arae_core.results import load_claims, scorecard_markdown

    chapters = all_chapters(root)
    claims = []
    for claim in load_claims(root / "book" / "claims.yaml"):
        if claim.profiles is None and claim.chapter in chapters:
            claim = replace(claim, profiles=tuple(chapters[claim.chapter].profiles()))
        claims.append(claim)
    known = {profile for claim in claims for profile in claim.profiles or ()} - {"smoke"}
    profiles = in_order(known | by_profile.keys())
    links = {chapter.name: chapter.path.relative_to(root / "book").as_posix() for chapter in chapters_in_order(root)}
    return scorecard_markdown(claims, {profile: by_profile.get(profile, []) for profile in profiles}, links)


def _three_tasks(root: Path, by_profile: dict[str, list[Record]]) -> str:
    """A table for each scale at which one of the tasks was run (and for the default one, run or not)."""
    from arae_core.results import load_sides, side_by_side

    parts = load_sides(root / THREE_TASKS)
    tasks = {row["chapter"] for part in parts for row in part["rows"]}
    shown = [p for p, records in by_profile.items()
             if p == DEFAULT or p != "smoke" and len({r.chapter for r in records} & tasks) > 1]
    notes = {p: sorted({r.data["notes"] for r in by_profile[p] if r.chapter in tasks and r.data["notes"]}) for p in shown}
    return "\n".join(
        f"## Profile `{p}`{' (' + ', '.join(notes[p]) + ')' if notes[p] else ''}\n\n"
        f"{side_by_side(parts, by_profile[p]).markdown}\n"
        for p in shown
    )


def _displaces(own: Record, committed: Record) -> bool:
    """Whether the build's record replaces a committed one: it is the same run, or the chapter's parameters
    have changed since, so that the two no longer compare."""
    if (own.chapter, own.profile, own.point) != (committed.chapter, committed.profile, committed.point):
        return False
    return own.seed == committed.seed or _setting(own) != _setting(committed)


def _setting(record: Record) -> tuple[dict[str, object], str]:
    """What has to agree for two records to be seeds of one thing; a seed may draw other crops of the same data."""
    from arae_core.results import EXTENT

    return {n: v for n, v in record.parameters.items() if n not in EXTENT | {"seed"}}, record.data["name"]
