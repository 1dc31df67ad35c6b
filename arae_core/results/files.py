"""Kept for those who still import from here."""

from arae_core.store import out_dir, write_whole

__all__ = ["out_dir", "write_whole"]
