"""`python -m arae_book` is the command `arae`."""

from arae_book.cli import main

main()
