"""Every verdict of the scorecard, computed once more by another route: numpy and scipy on the files as they are."""

import json
import operator
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

from arae_core.results import load_claims, read_all, verdicts

BOOK = Path(__file__).parents[2] / "book"
CLAIMS = {claim["id"]: claim for claim in yaml.safe_load((BOOK / "claims.yaml").read_text())}
SIGNS = {">": operator.gt, "<": operator.lt, "!=": operator.ne}
FOLDERS = sorted(BOOK.glob("reference/*/records"))


def files_by_seed(folder, claim, condition, left, right):
    """Seed to the content of the one file that counts for this claim."""
    found = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        setting = {**record["parameters"], **record.get("point", {})}
        wanted = dict(claim.get("where") or {})
        if claim.get("each") and condition:
            wanted[claim["each"]] = float(condition.rpartition("= ")[2])
        there = left in record["metrics"] and (right in record["metrics"] or not isinstance(right, str))
        if record["chapter"] == claim["chapter"] and there and all(setting.get(k) == v for k, v in wanted.items()):
            found[record["seed"]].append(record)
    assert all(len(files) == 1 for files in found.values())
    return {seed: files[0] for seed, files in sorted(found.items())}


def error_of(summary):
    """The standard error of the mean, and its degrees of freedom: over images, or over the clusters that they come in."""
    if "clusters" in summary:
        return summary["error"], summary["clusters"] - 1
    return summary["std"] / summary["n"] ** 0.5, summary["n"] - 1


def interval(files, left, right):
    """Left minus right and its 95 % interval: over seeds from two on, else over the images of the one."""
    mean = {side: np.array([file["metrics"][side]["value"] for file in files]) for side in (left, right)
            if isinstance(side, str)}
    gaps = mean[left] - mean.get(right, right)
    if len(gaps) > 1:
        return gaps, stats.t.interval(0.95, len(gaps) - 1, gaps.mean(), gaps.std(ddof=1) / len(gaps) ** 0.5)
    metrics, pairs = files[0]["metrics"], files[0].get("pairs") or {}
    a, b = metrics[left], metrics.get(right)
    same, turned = pairs.get(f"{left} - {right}"), pairs.get(f"{right} - {left}")
    if same or turned or b is None:
        one = same or turned or a
        middle = (one["value"] if same or b is None else -one["value"]) - (right if b is None else 0)
        error, freedom = error_of(one)
        return gaps, stats.t.interval(0.95, freedom, middle, error)
    (ea, fa), (eb, fb) = error_of(a), error_of(b)
    va, vb = ea**2, eb**2
    freedom = (va + vb) ** 2 / (va**2 / max(fa, 1) + vb**2 / max(fb, 1)) if va + vb else np.nan
    return gaps, stats.t.interval(0.95, freedom, gaps[0], (va + vb) ** 0.5)


def expected(gaps, ends, sign):
    low, high = ends
    if np.isnan(low):  # no spread at all: t has nothing to say of it
        low = high = gaps.mean() if len(gaps) > 1 else np.nan
    if len(gaps) > 1 and low == high == 0:
        return "not testable"
    if len(gaps) < 3:
        return "one run"
    if low <= 0 <= high:
        return "within noise"
    return "holds" if SIGNS[sign](gaps.mean(), 0) else "fails"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_verdict_by_another_route(folder):
    records, profile, judged = read_all(folder), folder.parent.name, 0
    for claim in load_claims(BOOK / "claims.yaml"):
        for verdict in verdicts(claim, records) if claim.profiles is None or profile in claim.profiles else ():
            left, sign, right = CLAIMS[claim.id]["comparison"].replace("*", verdict.condition).split()
            right = right if "/" in right else float(right)
            files = files_by_seed(folder, CLAIMS[claim.id], verdict.condition, left, right)
            if not files:
                assert verdict.outcome == "not testable" and verdict.seeds == 0, (claim.id, verdict)
                continue
            gaps, ends = interval(list(files.values()), left, right)
            assert verdict.seeds == len(files) and verdict.difference == pytest.approx(gaps.mean(), rel=1e-5, abs=1e-9)
            assert verdict.outcome == expected(gaps, ends, sign), (claim.id, verdict.condition)
            if not np.isnan(ends[0]) and ends[1] > ends[0] and not np.isnan(verdict.low):
                assert (verdict.low, verdict.high) == pytest.approx(ends, rel=1e-4, abs=1e-5), claim.id
            judged += 1
    assert judged


def test_enough_of_the_papers_claims_are_judged_over_seeds():
    """By three seeds or more, at the default parameters, or at those of the runs that train what the default pages are given."""
    claims = [claim for claim in load_claims(BOOK / "claims.yaml") if claim.kind == "paper"]
    judged = {claim.id for claim in claims for profile in ("default", "live")
              for verdict in verdicts(claim, read_all(BOOK / "reference" / profile / "records"))
              if claim.profiles is None or profile in claim.profiles if verdict.outcome in ("holds", "fails", "within noise")}
    assert len(judged) >= 25
