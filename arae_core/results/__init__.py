"""What runs leave behind: records, tables drawn from them, the papers' claims with verdicts."""

from .claims import Claim, ClaimError, Verdict, load_claims, verdicts
from arae_core.store import out_dir, write_whole

from .grid_table import grid_table, method_table
from .over_seeds import over_seeds
from .parameters import literals
from .record import EXTENT, Record, RecordError, by_seed, read_all
from .reference import reference, reference_grid, reference_points, reference_table
from .scorecard import scorecard, scorecard_markdown
from .side_by_side import load_sides, side_by_side
from .tables import Table, measure, table

__all__ = [
    "EXTENT",
    "Claim",
    "ClaimError",
    "Record",
    "RecordError",
    "Table",
    "Verdict",
    "by_seed",
    "grid_table",
    "literals",
    "load_claims",
    "load_sides",
    "measure",
    "method_table",
    "out_dir",
    "over_seeds",
    "read_all",
    "reference",
    "reference_grid",
    "reference_points",
    "reference_table",
    "scorecard",
    "scorecard_markdown",
    "side_by_side",
    "table",
    "verdicts",
    "write_whole",
]
