"""From a chapter's parameters to the models that it trains: what `arae train` builds without a notebook.

The chapters spell the same out cell by cell, for reading. A test compares the keys of both.
"""

from collections.abc import Callable

import torch

from arae_core.training.recipes.encoders import other_encoders, robust_training, robustness_sweep
from arae_core.training.recipes.parts import Named, Parameters
from arae_core.training.recipes.pictures import inversion, rivals, style_transfer, unseen_resolutions
from arae_core.training.recipes.tasks import anomaly_detection, denoising

# Each yields (title, model) as it is found or trained; the titles are unique within a chapter.
CHAPTERS: dict[str, Callable[[Parameters, torch.device], Named]] = {
    its.__name__: its for its in (robust_training, inversion, robustness_sweep, other_encoders, unseen_resolutions,
                                  rivals, style_transfer, denoising, anomaly_detection)}
