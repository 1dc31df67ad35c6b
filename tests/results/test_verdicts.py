"""The scorecard's verdicts stay as they are while the code changes: verdicts.json holds those of the committed records.

Where a record was added or a claim changed, `python tests/results/test_verdicts.py` writes it anew; its diff says what
the change means.
"""

import json
from pathlib import Path

from arae_core.results import load_claims, read_all, verdicts

BOOK = Path(__file__).parents[2] / "book"
KEPT = Path(__file__).with_name("verdicts.json")


def judged():
    """Profile to claim (and condition) to [outcome, seeds, over, paired, difference, low, high], in six digits."""
    found = {}
    for folder in sorted(BOOK.glob("reference/*/records")):
        records, profile = read_all(folder), folder.parent.name
        found[profile] = {
            " ".join(filter(None, (claim.id, verdict.condition))): said(verdict)
            for claim in load_claims(BOOK / "claims.yaml") if claim.profiles is None or profile in claim.profiles
            for verdict in verdicts(claim, records)}
    return found


def said(verdict):
    if verdict.outcome == "not run":
        return [verdict.outcome, verdict.reason]
    numbers = [f"{number:.6g}" for number in (verdict.difference, verdict.low, verdict.high)]
    return [verdict.outcome, verdict.seeds, verdict.over, verdict.paired, *numbers]


def test_every_verdict_is_what_it_was():
    assert judged() == json.loads(KEPT.read_text())


if __name__ == "__main__":
    profiles = [f" {json.dumps(profile)}: {{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}"
                                                             for name, row in rows.items()) + "\n }"
                for profile, rows in judged().items()]
    KEPT.write_text("{\n" + ",\n".join(profiles) + "\n}\n")
