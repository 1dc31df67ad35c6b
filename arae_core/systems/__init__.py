"""The book's systems, a folder each: its networks, its loop, its task. What two of them use stands further down."""
