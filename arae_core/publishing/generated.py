"""Pages drawn from records: `book/_generated/*.md`, which the book's own pages include."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .chapters import DEFAULT, all_chapters
from .execute import RunFailed

if TYPE_CHECKING:
    from arae_core.results import Record

_BEGIN, _END = "<!-- results: drawn by `arae refresh` -->", "<!-- end of results -->"
_LOSSES = ("pixel", "pixel+feature", "pixel+feature+gan")
_SCALES = ("smoke", DEFAULT, "cifar10", "tiny-imagenet", "paper")  # small to large


def generated(root: Path, build_records: Iterable[Path]) -> dict[str, str]:
    """The text of each generated page, by its path under the root.

    Drawn from the build's records and the committed ones (`book/reference/**/records/*.json`). Raises
    RunFailed, with the file's path, for a record or claim that cannot be read.
    """
    from arae_core.results import ClaimError, RecordError

    try:
        return {"book/_generated/scorecard.md": _scorecard(root, build_records)} | _readme(root)
    except (ClaimError, RecordError) as error:
        raise RunFailed(f"the scorecard cannot be drawn: {error}") from error


def _readme(root: Path) -> dict[str, str]:
    """README.md with the tables between its two markers drawn anew, from committed records alone."""
    from arae_core.results import read_all, table

    path = root / "README.md"
    if not path.is_file() or _BEGIN not in (text := path.read_text(encoding="utf-8")):
        return {}
    head, rest = text.split(_BEGIN, 1)
    tail = rest.split(_END, 1)[1]
    tables = []
    for profile in _SCALES:
        records = [r for r in read_all(root / "book" / "reference" / profile / "records") if r.chapter == "inversion"]
        if records:
            tables.append(table(records, ["psnr", "ssim"], conditions=_LOSSES).markdown)
    return {"README.md": f"{head}{_BEGIN}\n\n" + "\n\n".join(tables) + f"\n\n{_END}{tail}"}


def _scorecard(root: Path, build_records: Iterable[Path]) -> str:
    from arae_core.results import Record, load_claims, scorecard_markdown

    ours = [Record.read(path) for path in build_records]
    committed = [Record.read(path) for path in sorted((root / "book" / "reference").rglob("records/*.json"))]
    records = ours + [record for record in committed if not any(_displaces(own, record) for own in ours)]
    with_records = {record.profile for record in records}
    known = {profile for chapter in all_chapters(root).values() for profile in chapter.profiles()} | with_records
    order = [*(p for p in _SCALES if p in known), *sorted(known.difference(_SCALES))]
    by_profile = {p: [r for r in records if r.profile == p] for p in order if p in with_records or p == DEFAULT}
    text = scorecard_markdown(load_claims(root / "book" / "claims.yaml"), by_profile).rstrip("\n") + "\n"
    absent = [profile for profile in order if profile not in by_profile and profile != "smoke"]
    if absent:
        text += f"\nProfiles without a record yet: {', '.join(absent)}.\n"
    return text


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
