"""What runs leave behind: records, tables drawn from them, the papers' claims with verdicts."""

from .claims import Claim, ClaimError, Verdict, load_claims, verdicts
from .files import out_dir, write_whole
from .parameters import literals
from .record import EXTENT, Record, RecordError, by_seed, read_all
from .reference import reference, reference_table
from .scorecard import scorecard, scorecard_markdown
from .tables import Table, table

__all__ = [
    "EXTENT",
    "Claim",
    "ClaimError",
    "Record",
    "RecordError",
    "Table",
    "Verdict",
    "by_seed",
    "literals",
    "load_claims",
    "out_dir",
    "read_all",
    "reference",
    "reference_table",
    "scorecard",
    "scorecard_markdown",
    "table",
    "verdicts",
    "write_whole",
]
