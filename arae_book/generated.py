"""Pages drawn from records and models: `book/_generated/*.md`, which the book's pages include, and README's tables."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from .chapters import DEFAULT, all_chapters, chapters_in_order
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

    try:
        committed = [Record.read(path) for path in sorted((root / "book/reference").rglob("records/*.json"))]
        by_profile = _by_profile([Record.read(path) for path in build_records], committed)
        pages = {"scorecard": _scorecard(root, by_profile), "costs": _times(root, committed)}
        if (root / THREE_TASKS).is_file():
            pages["three_tasks"] = _three_tasks(root, by_profile)
        pages = {f"book/_generated/{name}.md": text for name, text in pages.items()}
        pages["book/_generated/models.md"] = models_page()
        return pages | _forest(root, by_profile[DEFAULT]) | _readme(root, committed)
    except (ClaimError, RecordError) as error:
        raise RunFailed(f"a page cannot be drawn from the records: {error}") from error


def models_page() -> str:
    """The committed models, as their files say: a Markdown table, aligned. RunFailed for a file that is none."""
    from arae_core.results.tables import lines
    from arae_core.training import CheckpointError, reference_models

    rows = [["model", "network", "data", "attack", "seed", "size", "SHA-256"]]
    try:
        for profile, name, path, said in reference_models():
            network, content = json.loads(said["declared"])["model"], path.read_bytes()
            inner = {k: v["network"] if isinstance(v, dict) else v for k, v in network["arguments"].items()}
            arguments = ", ".join(f"{key}={value}" for key, value in inner.items())
            data = said["data"].split()[0] + (f" ({said['notes']})" if said["notes"] else "")
            attack = json.loads(said["config"]).get("attack", {})  # null: none; generators are not asked
            shown = "none" if attack is None else f"{attack['norm']}, {attack['eps']:g}" if attack else ""
            row = [f"{profile}/{name}", f"{network['network']}({arguments})", data, shown, said["seed"]]
            rows.append([*row, f"{len(content) / 1e6:.2f} MB", hashlib.sha256(content).hexdigest()[:8]])
    except CheckpointError as error:
        raise RunFailed(f"the models cannot be listed: {error}") from error
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, ["-" * width for width in widths])
    table = lines([cell.ljust(width) for cell, width in zip(row, widths)] for row in rows)
    return table + "\n" if rows[2:] else "There are no models.\n"


def in_order(profiles: Iterable[str]) -> list[str]:
    """Profiles from small scale to large, then those of single chapters by name."""
    return sorted(
        set(profiles), key=lambda name: (SCALES.index(name) if name in SCALES else len(SCALES), name)
    )


def _readme(root: Path, committed: Sequence[Record]) -> dict[str, str]:
    """README.md, if there is one, with the tables between its two markers drawn anew."""
    from arae_core.results import table

    found = [[r for r in committed if (r.chapter, r.profile) == ("inversion", profile)] for profile in SCALES]
    tables = [table(records, ["psnr", "ssim"], conditions=_LOSSES).markdown for records in found if records]
    drawn, between = "\n\n".join([_BEGIN, *tables, _END]), re.compile(f"(?s){_BEGIN}.*{_END}")
    texts = {path.name: path.read_text(encoding="utf-8") for path in root.glob("README.md")}
    return {name: between.sub(lambda _: drawn, text) for name, text in texts.items()}


def _times(root: Path, committed: Sequence[Record]) -> str:
    """How long the committed runs took, a chapter, profile and machine a row."""
    from arae_core.results.tables import lines

    rows = [["chapter", "profile", "machine", "longest", "shortest", "runs"], [":--"] * 3 + ["--:"] * 3]
    for chapter in chapters_in_order(root):
        own = [r for r in committed if r.chapter == chapter.name and not r.point]
        devices = sorted({r.device for r in own})
        for profile, device in product(in_order({r.profile for r in own}), devices):
            if seconds := [round(r.seconds) for r in own if (r.profile, r.device) == (profile, device)]:
                span = [str(timedelta(seconds=bound)) for bound in (max(seconds), min(seconds))]
                rows.append([chapter.name, f"`{profile}`", device, *span, str(len(seconds))])
    return f"{lines(rows)}\n\n{_TIMES}\n"


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


def _forest(root: Path, records: list[Record]) -> dict[str, str]:
    """One picture of the judged claims in PSNR, as SVG with text in it; none where no claim has a verdict."""
    import matplotlib

    from arae_core.figures import difference_dots
    from arae_core.results import judged_differences, load_claims

    rows = judged_differences(load_claims(root / "book" / "claims.yaml"), records, "psnr")
    if not rows:
        return {}
    with matplotlib.rc_context({"svg.hashsalt": "arae", "svg.fonttype": "none"}):
        figure = difference_dots(rows, xlabel="difference in PSNR (dB); what is claimed lies right of zero")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return {"book/_generated/scorecard.svg": text.getvalue()}


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
    usual = settings(own.chapter).literals()  # what a record lacks counts as made at the default
    ours, theirs = ({**usual, **record.parameters} for record in (own, committed))
    changed = {name for name in ours | theirs if ours.get(name) != theirs.get(name)} - EXTENT - {"seed"}
    return own.seed == committed.seed or bool(changed) or own.data["name"] != committed.data["name"]
