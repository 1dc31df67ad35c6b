"""One-vs-all anomaly detection (A, Section A1): a generator knows one class, what it draws badly is an anomaly.

An image's score is what is left of Equation 8's loss, high for anomalies, in two ways: after a search in the
generator's latent space, as in A, and after one pass through encoder and generator. That A's score is this weighted
sum is inferred: its code writes the terms to a file, and the step from there to the AUROC is not in it.

ADGAN's score (Deecke et al. 2018) is the mean over several searches from different starts. Theirs also adapts the
generator's weights to each image, which would need a generator an image; ours searches for codes alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from arae_core.data import LabelledImages
from arae_core.data.image_set import balanced
from arae_core.data.places import check_integer
from arae_core.losses import InversionWeights, per_image_loss
from arae_core.networks import Encoder, frozen
from arae_core.seeds import derive_seed
from arae_core.systems.anomaly.latent_search import SearchConfig, latent_search, white_noise

Score = Callable[[Tensor, Sequence[int]], Tensor]  # images (B, 3, H, W) and their numbers to scores (B,)


@dataclass(frozen=True, eq=False)
class OneVsAll:
    """Test images with one class for normal, and images of others for anomalies.

    indices: (N,) into `test`, the normal ones first. anomalous: (N,) bool, on the CPU.
    """

    test: LabelledImages
    indices: Tensor
    anomalous: Tensor

    def __len__(self) -> int:
        return len(self.indices)

    def images(self, places: Sequence[int]) -> Tensor:
        """x (B, 3, H, W) in [0, 1] of the images at these places of the task."""
        return self.test.batch(self.indices[torch.as_tensor(places)])[0]

    def batches(self, batch_size: int) -> Iterator[tuple[Tensor, list[int]]]:
        """Every image with its number in `test`: x (B, 3, H, W) and B numbers."""
        for part in self.indices.split(batch_size):
            yield self.test.batch(part)[0], part.tolist()


def one_vs_all(test: LabelledImages, class_name: str, *, anomalies: int = 0, seed: int = 0) -> OneVsAll:
    """All test images of a class, and `anomalies` of the others (0: all), balanced over the other classes.

    test: an ImageSet or FolderSet. Asking for more anomalies than there are gives all.

    Raises:
        ValueError: the set has no such class, no image of it, or no image of another: then there is no AUROC.
    """
    if class_name not in test.classes:
        raise ValueError(f"{test.name} has no class {class_name!r}; it has {', '.join(test.classes[:20])}")
    labels = test.labels.cpu()
    is_normal = labels == test.classes.index(class_name)
    normal, others = is_normal.nonzero().flatten(), (~is_normal).nonzero().flatten()
    if len(normal) == 0:
        raise ValueError(f"{test.name} holds no test image of class {class_name!r}: nothing is normal")
    if len(others) == 0:
        raise ValueError(f"{test.name} holds only class {class_name!r}: without an anomaly there is no AUROC")
    if 0 < anomalies < len(others):
        others = others[balanced(labels[others], anomalies, seed)]
    anomalous = torch.arange(len(normal) + len(others)) >= len(normal)
    return OneVsAll(test, torch.cat([normal, others]), anomalous)


def scores(task: OneVsAll, score: Score, batch_size: int = 256) -> Tensor:
    """The score (N,) of each image, on the CPU, in the task's order. Raises what `score` raises."""
    return torch.cat([score(x, numbers).cpu() for x, numbers in task.batches(batch_size)])


@dataclass(frozen=True, eq=False)
class SearchScore:
    """Equation 8's loss after a search in the latent space; with several starts, its mean over them (ADGAN).

    code_shape: of one code, `encoder.feature_shape(layer)` or (n,). encoder, layer, scale: as in `latent_search`.
    """

    generator: nn.Module
    code_shape: tuple[int, ...]
    weights: InversionWeights
    config: SearchConfig
    seed: int
    encoder: Encoder | None = None
    layer: str | None = None
    scale: float = 1.0
    starts: int = 1

    def __post_init__(self) -> None:
        check_integer("starts", self.starts)

    def seeds(self) -> list[int]:
        """One for each start."""
        return [derive_seed(self.seed, "start", start) for start in range(self.starts)]

    def __call__(self, x: Tensor, numbers: Sequence[int]) -> Tensor:
        """Scores (B,) of images x, whose numbers in the data set decide their noise; the starts go in one batch."""
        noise = torch.cat([white_noise(numbers, self.code_shape, seed) for seed in self.seeds()])
        found = latent_search(
            self.generator,
            x.repeat(self.starts, 1, 1, 1),
            noise.to(x),
            self.weights,
            self.config,
            encoder=self.encoder,
            layer=self.layer,
            scale=self.scale,
        )
        return found.losses.view(self.starts, len(x)).mean(0)


@dataclass(frozen=True, eq=False)
class OnePassScore:
    """The same loss of x_hat = g(f(x)): no search, one pass through encoder, generator and encoder."""

    encoder: Encoder
    generator: nn.Module
    layer: str
    weights: InversionWeights
    scale: float = 1.0

    @torch.no_grad()
    def __call__(self, x: Tensor, numbers: Sequence[int] = ()) -> Tensor:
        """Scores (B,) of images x (B, 3, H, W) in [0, 1]."""
        with frozen(self.encoder, self.generator):
            z = self.encoder.features(x, self.layer)
            x_hat = self.generator(z)
            z_hat = self.encoder.features(x_hat, self.layer) if self.weights.feature else None
            return per_image_loss(x_hat, x, z_hat, z, self.weights, self.scale)[0]
