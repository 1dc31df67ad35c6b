"""From the notebooks in `book/` to checked runs, kept pages and the built site. See each file.

Nothing is re-exported here: `arae --help` ought not to wait for what a build needs.
"""
