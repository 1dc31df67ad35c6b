"""The press: runs the chapters of the book, collects what they leave, and builds the pages. It knows `arae_core`."""

from .chapters import Refused
from .profiles import settings

__all__ = ["Refused", "settings"]
