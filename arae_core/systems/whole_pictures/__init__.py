"""Networks for small squares at work on whole pictures: any size, tiles, patches."""

from arae_core.systems.whole_pictures.any_size import AnySize
from arae_core.systems.whole_pictures.patches import in_patches
from arae_core.systems.whole_pictures.sizes import Grid
from arae_core.systems.whole_pictures.tiles import in_tiles

__all__ = ["AnySize", "Grid", "in_patches", "in_tiles"]
