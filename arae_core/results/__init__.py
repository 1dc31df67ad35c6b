"""What runs leave behind: records, tables drawn from them, the papers' claims with verdicts."""

from arae_core.store import out_dir, write_whole

from .claims import Claim, ClaimError, Reported, Verdict, load_claims, verdicts
from .intervals import of_numbers, over_seeds
from .record import EXTENT, Record, RecordError, by_seed, read_all
from .reference import reference, reference_grid, reference_points, reference_table
from .scorecard import judged_differences, load_sides, scorecard, scorecard_markdown, side_by_side
from .tables import MEASURES, Measure, Table, grid_table, measure, method_table, table

__all__ = [
    "EXTENT",
    "Record",
    "RecordError",
    "by_seed",
    "of_numbers",
    "out_dir",
    "over_seeds",
    "read_all",
    "write_whole",
]
__all__ += ["MEASURES", "Measure", "Table", "grid_table", "measure", "method_table", "table"]
__all__ += ["reference", "reference_grid", "reference_points", "reference_table"]
__all__ += ["Claim", "ClaimError", "Reported", "Verdict", "load_claims", "verdicts"]
__all__ += ["judged_differences", "load_sides", "scorecard", "scorecard_markdown", "side_by_side"]
