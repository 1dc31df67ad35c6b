"""Cats against dogs: the Oxford-IIIT Pet photographs (Parkhi et al., "Cats and Dogs", CVPR 2012), by torchvision.

3,680 photographs for training and 3,669 for the test, about a third of them cats. A's "Cats vs. Dogs" is another
collection, of 25,000 photographs from an animal shelters' site, without a public source that can be checked by a sum.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.datasets import OxfordIIITPet

from arae_core.data.image_set import ImageSet
from arae_core.data.places import Root, check_integer, check_split, data_root, missing

_HOW = (
    "Online: python -c \"from arae_core.data import oxford_pets; oxford_pets('train', image_size=224, "
    'download=True)" (800 MB). Offline: images.tar.gz and annotations.tar.gz from '
    "https://www.robots.ox.ac.uk/~vgg/data/pets/, unpacked into that folder."
)


def oxford_pets(split: str, *, image_size: int, root: Root = None, download: bool = False) -> ImageSet:
    """The photographs of a split scaled whole to (image_size, image_size), labelled cat (0) or dog (1).

    Found in `oxford-iiit-pet` under `root` (else $ARAE_DATA), with its folders `images` and `annotations`. Decoded
    anew each time: half a minute, and 550 MB at 224 pixels.

    Raises MissingDataError: not there, or not whole. ValueError: another split, or a size that is no positive integer.
    """
    check_split(split)
    check_integer("image_size", image_size)
    kind, size = "trainval" if split == "train" else "test", (image_size, image_size)
    try:
        found = OxfordIIITPet(str(data_root(root)), kind, target_types="binary-category", download=download)
        images = np.empty((len(found), 3, *size), dtype=np.uint8)
        labels = torch.empty(len(found), dtype=torch.int64)
        for i, (image, label) in enumerate(found):
            scaled = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
            images[i], labels[i] = np.asarray(scaled).transpose(2, 0, 1), int(label)
    except (RuntimeError, OSError) as error:  # not found; a list or a photograph is missing or damaged
        raise missing(f"Oxford-IIIT Pet, whole ({error}),", oxford_pets_places(root), _HOW) from error
    return ImageSet("oxford-pets", torch.from_numpy(images), labels, ("cat", "dog"))


def oxford_pets_places(root: Root = None) -> tuple[Path, ...]:
    """Where it is looked for."""
    return (data_root(root) / "oxford-iiit-pet",)
