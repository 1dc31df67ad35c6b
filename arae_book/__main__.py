"""`python -m arae_core` is the command `arae`."""

from arae_book.cli import main

main()
