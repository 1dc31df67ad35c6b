"""A frozen encoder's features of a training set, computed once instead of in every epoch.

They can be kept where an image comes back unchanged, that is without augmentation, and where they fit into memory. It
saves the encoder's forward pass over x, one of three passes through it a step (benchmark `features-once`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from arae_core.data import ImageSet
from arae_core.networks import Encoder
from arae_core.training import several
from arae_core.training.precision import mixed_precision

MOST = 2**30  # bytes of features that are kept; more are computed as they are needed


@dataclass(frozen=True, eq=False)
class CodedImages(ImageSet):
    """Images with their features in the place of their labels: `batches` yields (x, z).

    codes: (N, C, h, w) or (N, C), in the precision in which the encoder computed them.
    """

    codes: Tensor | None = None

    def batch(self, indices: Tensor | list[int] | slice) -> tuple[Tensor, Tensor]:
        """x float32 (B, 3, S, S) in [0, 1] and z (B, …) of the images at `indices`."""
        x, _ = super().batch(indices)
        return x, self.codes[indices]


def with_codes(
    data: Any, encoder: Encoder, layer: str, *, batch_size: int, augment: str, precision: str
) -> CodedImages | None:
    """The set with its features at `layer`; None where they cannot be kept.

    That is under augmentation, for images that are read from a folder as they are needed, for more than `MOST` bytes,
    and among several processes, each of which computes the rows of a batch that are its own. The encoder is frozen by
    the caller.
    """
    if augment != "none" or type(data) is not ImageSet or several.count() > 1:
        return None
    device = next(encoder.parameters()).device
    found = []
    with torch.no_grad(), mixed_precision(device, precision):
        for x, _ in data.batches(batch_size):
            z = encoder.features(x.to(device).contiguous(memory_format=torch.channels_last), layer)
            if len(data) * z[0].numel() * z.element_size() > MOST:
                return None
            found.append(z)
    fields = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    return CodedImages(**fields, codes=torch.cat(found).to(data.images.device))
