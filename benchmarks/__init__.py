"""Ours against others, on the same work, in one run: `arae bench [NAME...]`."""
