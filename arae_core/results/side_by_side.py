"""Two sides of measures from several chapters in one table: what one of them bought, and what it cost.

The rows are a YAML file's, so that the page decides what is compared and nobody types a number:

    - part: What it bought
      rows:
        - {chapter: inversion, what: PSNR of a reconstruction, left: psnr/standard/pixel, right: psnr/robust/pixel}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from .claims import Claim, ClaimError, Verdict, verdicts
from .over_seeds import over_seeds
from .record import Record, RecordError
from .reference import asked
from .tables import Table, escape, measure

FIELDS = {"chapter", "what", "left", "right"}


def load_sides(path: str | Path) -> list[dict[str, Any]]:
    """The parts of the file, each {"part", "rows"}. Raises ClaimError, which names the file, if a row is not whole."""
    asked.add(Path(path).resolve())
    try:
        parts = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        for part in parts:
            for row in part["rows"]:
                if set(row) != FIELDS:
                    raise ClaimError(f"the row {row} must have {', '.join(sorted(FIELDS))}, and no more")
                _difference(row)
    except (yaml.YAMLError, TypeError, KeyError, ClaimError) as error:
        raise ClaimError(f"{path}: {error}") from error
    return parts


def side_by_side(
    parts: Iterable[Mapping[str, Any]], records: Iterable[Record], *, left: str = "standard", right: str = "robust"
) -> Table:
    """A row's measure left and right, and right minus left with its 95 % interval, over seeds where there are two.

    records: of one profile, of any chapters. A row without a record stays, with dashes.
    """
    records = list(records)
    lines = [f"| | {left} | {right} | {right} − {left} | |", "| :-- | --: | --: | --: | :-- |"]
    for part in parts:
        lines.append(f"| **{escape(part['part'])}** | | | | |")
        lines += ["| " + " | ".join(_row(row, [r for r in records if r.chapter == row["chapter"]])) + " |"
                  for row in part["rows"]]
    note = ("Means over seeds; in brackets the 95 % interval of the difference, over seeds where two or more were run, "
            "else over images, which says nothing about other seeds.")
    return Table("\n".join(lines) + "\n\n" + note)


def _row(row: Mapping[str, str], records: list[Record]) -> list[str]:
    kind = measure(row["left"].split("/")[0])
    what = escape(row["what"]) + (f" {kind.better}" if kind.better else "")
    try:
        sides = [over_seeds([r for r in records if row[side] in r.metrics], row[side])[0] for side in ("left", "right")]
        (verdict,) = verdicts(_difference(row), records)
    except RecordError:
        return [what, "–", "–", "–", "not run"]
    if verdict.difference is None:
        return [what, "–", "–", "–", "not run"]
    shown = [f"{value * kind.scale:.{kind.decimals}f}" for value in sides]
    return [what, *shown, escape(_change(verdict, kind.scale, kind.decimals)),
            f"{verdict.seeds} seed{'s' if verdict.seeds > 1 else ''}"]


def _difference(row: Mapping[str, str]) -> Claim:
    return Claim(id="row", source="", text="", chapter=row["chapter"], comparison=f"{row['right']} > {row['left']}")


def _change(verdict: Verdict, scale: float, decimals: int) -> str:
    def signed(number: float) -> str:
        return f"{number * scale:+.{decimals}f}".replace("-", "−")

    interval = f" [{signed(verdict.low)}, {signed(verdict.high)}]" if isfinite(verdict.low) else ""
    return signed(verdict.difference) + interval
