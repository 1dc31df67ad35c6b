"""The pair of a chapter: its images, and the standard and the robust encoder as chapter 1 trains them.

What a profile names and the data or the encoder does not hold is refused here, before a network is trained.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from arae_core import data, training
from arae_core.networks import AlexNet

from .chapters import Refused, nearest
from .profiles import TRAIN, Settings


@dataclass(frozen=True)
class Pair:
    """train: what the two in `trained` ("standard", "robust") were trained on, by `recipe` and `attack`; test: images to
    look at (None without `test_images`). Both on the device; build() an encoder untrained."""

    train: data.Images
    test: data.Images | None
    build: Callable[[], AlexNet]
    recipe: training.ClassifierConfig
    attack: training.Attack
    trained: dict[str, training.Trained]

    @property
    def encoders(self) -> dict[str, AlexNet]:
        """The two networks, on the device and in evaluation mode."""
        return {name: trained.model for name, trained in self.trained.items()}


def pair(p: Settings, device: torch.device | str = "cpu") -> Pair:
    """Load the images, check what the settings name, then find or train the two encoders.

    With `models` a profile's name they are that profile's reference models, and what they were trained on is absent.
    Refused, in a line that names the parameter: layers that the encoder lacks, classes that the data lacks, folders
    and data sets that are not here. Raises as `training.standard_and_robust` besides.
    """
    train: data.LabelledImages | data.AbsentImages
    if p.models == TRAIN:
        train, test = images(p, device)
        classes = len(train.classes)
    else:
        train = _found(p, "models", training.reference_data, p.models)
        test, classes = _test_images(p, device), train.class_count

    def build() -> AlexNet:
        return AlexNet(p.image_size, classes, p.width, start=p.start)

    names = ("epochs", "batch_size", "lr", "schedule", "weight_decay", "clip", "augment", "precision")
    recipe = training.ClassifierConfig(**{name: getattr(p, name) for name in names})
    attack = training.Attack(
        p.norm, p.eps, p.attack_steps, p.attack_step_size, keep_best=p.keep_best, warmup=p.attack_warmup
    )
    with torch.random.fork_rng(devices=[]):  # a look at its layers draws no numbers from the chapter's
        held: dict[str, Iterable[str]] = dict.fromkeys(("layer", "layers", "shallow"), build().layers)
    held["kept"] = data.photo_names()
    require(p, {name: those for name, those in held.items() if name in p})
    if "classes" in p:
        other = _loaded(p, "anomaly_dataset", "test", p.test_images) if p.anomaly_dataset else test or train
        _found(p, "classes", data.require_classes, other, p.classes)
    train_them = partial(
        training.standard_and_robust, build, train, recipe, attack, seed=p.seed, device=device
    )
    trained = train_them() if p.models == TRAIN else _found(p, "models", train_them)
    return Pair(train, test, build, recipe, attack, trained)


def images(
    p: Settings, device: torch.device | str = "cpu"
) -> tuple[data.LabelledImages, data.LabelledImages | None]:
    """(train, test) of `dataset` on the device; test is None for a chapter without `test_images`. Of both 0 is all."""
    return _loaded(p, "dataset", "train", p.train_images).to(device), _test_images(p, device)


def _test_images(p: Settings, device: torch.device | str) -> data.LabelledImages | None:
    return _loaded(p, "dataset", "test", p.test_images).to(device) if "test_images" in p else None


def require(p: Settings, held: Mapping[str, Iterable[str]]) -> None:
    """As `Settings.require`."""
    for name, those in held.items():
        value, those = getattr(p, name), list(those)
        for item in value if isinstance(value, list) else [value]:
            if item not in those:
                raise Refused(f"{name} of {p.chapter}: there is no {item!r}{nearest(str(item), those)}")
    for name, value in p.literals().items():
        if name.endswith("_dataset") and value not in ("", "photo-crops"):
            _found(p, name, data.require_dataset, value)
        elif name in ("pictures", "contents", "styles"):
            wanted = [each for each in value if (name, each) != ("pictures", "photographs")]
            for folder in wanted if name == "pictures" else ():  # which names no single photograph
                _found(p, name, data.picture_files, folder)
            _found(p, name, data.require_pictures, wanted)


def _loaded(p: Settings, name: str, split: str, count: int = 0) -> Any:
    """The data set that the parameter `name` names, at the size that goes with it."""
    value, own = getattr(p, name), name.replace("dataset", "image_size")
    size = getattr(p, own if own in p else "image_size")
    return _found(p, name, data.load, value, split, image_size=size, count=count or None, seed=p.seed)


def _found(p: Settings, name: str, look: Callable[..., Any], *at: Any, **more: Any) -> Any:
    """What `look` returns; what it raises is Refused, for the parameter `name`."""
    try:
        return look(*at, **more)
    except (ValueError, OSError, training.CheckpointError) as error:
        raise Refused(f"{name} of {p.chapter}: {' '.join(str(error).split())}") from error
