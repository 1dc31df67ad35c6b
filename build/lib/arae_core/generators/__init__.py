"""g: generators that map features back to images in [0, 1]."""

from arae_core.generators.alexnet_inverter import alexnet_inverter
from arae_core.generators.mirror import mirror

__all__ = ["alexnet_inverter", "mirror"]
