"""A batch that does not fit into memory ends in one line, whichever loop it was for."""

import pytest
import torch

from arae_core.losses import InversionWeights
from arae_core.networks import AlexNet, mirror
from arae_core.training import ClassifierConfig, InverterConfig, train_classifier, train_inverter
from arae_core.training.memory import BatchTooLarge, explained
from arae_core.training.trained import find_else_train


class Hungry(AlexNet):
    """Runs out of a GPU's memory as soon as it has more than four images."""

    def features(self, x, layer):
        if len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has …")
        return super().features(x, layer)


class Absurd(AlexNet):
    """Asks the CPU's allocator for four petabytes."""

    def forward(self, x):
        return super().forward(x) + torch.empty(10**15)[:4]


@pytest.mark.parametrize("kind", [Hungry, Absurd])
def test_a_classifiers_batch(tiny, kind):
    config = ClassifierConfig(epochs=1, batch_size=32)
    with pytest.raises(BatchTooLarge) as raised:
        find_else_train(lambda: kind(32, 4, 0.125), train_classifier, tiny, config, seed=0)
    assert str(raised.value) == ("a batch of 32 images does not fit into the memory of cpu; halve it with "
                                 "`-p batch_size 16` (or the parameter `..._batch_size` of this model)")


def test_a_generators_batch(tiny):
    f = Hungry(32, 4, 0.125)
    config = InverterConfig(epochs=1, batch_size=32, weights=InversionWeights(1, 0, 0, "mean"))
    with pytest.raises(BatchTooLarge, match="a batch of 32 images .* `-p batch_size 16`"):
        find_else_train(lambda: mirror(f, "conv5"), train_inverter, tiny, config, encoder=f, seed=0)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("no such layer")])
def test_other_errors_stay_as_they_are_and_one_image_cannot_be_halved(error):
    with pytest.raises(type(error), match=str(error)), explained(32, "cpu"):
        raise error
    with pytest.raises(BatchTooLarge, match="^one image does not fit .* smaller images or a smaller network"):
        with explained(1, "cuda:0"):
            raise torch.OutOfMemoryError("CUDA out of memory")
