"""Compiled training is the same training, and the attack's graph leaves the weights alone."""

import copy

import torch
from torch._dynamo.testing import CompileCounterWithBackend

from arae_core.training import Attack, ClassifierConfig, train_classifier
from arae_core.training.compiled import compiled


def test_compiled_training_is_the_same_training(tiny, build):
    torch.manual_seed(0)
    plain = build()
    other = copy.deepcopy(plain)
    train = tiny.take(16)
    config = ClassifierConfig(epochs=2, batch_size=8, lr=0.05, precision="fp32", attack=Attack("l2", 0.5, 2, 0.3))
    graphs = CompileCounterWithBackend("aot_eager")
    expected = train_classifier(plain, train, config, seed=0)
    with compiled(other, backend=graphs):
        found = train_classifier(other, train, config, seed=0)
    assert graphs.frame_count >= 2  # one for the frozen network under attack, one for the training step
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(ours["loss"] - theirs["loss"]) < 1e-4
    for ours, theirs in zip(other.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
    count = graphs.frame_count
    other(torch.rand(8, 3, 32, 32))  # outside, nothing is compiled any more
    assert graphs.frame_count == count
