"""`python -m arae_core` is the command `arae`."""

from arae_core.cli import main

main()
