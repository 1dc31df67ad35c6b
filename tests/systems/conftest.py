"""The tiny problem of the tests of training."""

from tests.tiny import build, own_store, tiny  # noqa: F401
