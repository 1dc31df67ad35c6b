"""Features kept are the features computed, belong to their images, and are kept only where that is right."""

import pytest
import torch

from arae_core.attacks import frozen
from arae_core.networks import mirror
from arae_core.losses import InversionWeights
from arae_core.training import InverterConfig, codes, train_inverter
from arae_core.training.codes import with_codes

AS = {"batch_size": 20, "augment": "none", "precision": "fp32"}


def test_every_image_comes_with_its_own_features(tiny, build):
    f = build().eval()
    with frozen(f):
        coded = with_codes(tiny, f, "conv2", **AS)
        seen = 0
        for x, z in coded.batches(32, seed=3):
            torch.testing.assert_close(z, f.features(x, "conv2"), rtol=1e-4, atol=1e-5)
            seen += len(x)
    assert seen == len(tiny) and coded.digest == tiny.digest


@pytest.mark.parametrize("layer, augment", [("conv5", "none"), ("fc6", "none"), ("conv2", "flip")])
def test_a_generator_trained_with_them_is_the_one_trained_without(tiny, build, layer, augment, monkeypatch):
    torch.manual_seed(0)
    f = build().eval()
    config = InverterConfig(layer=layer, weights=InversionWeights(1.0, 0.1, 0.0, "mean"), epochs=2, batch_size=16,
                            augment=augment, precision="fp32")
    passes, ends = [], []
    features = f.features
    f.features = lambda x, layer: passes.append(len(x)) or features(x, layer)
    for most in (2**30, 0):
        monkeypatch.setattr(codes, "MOST", most)
        passes.clear()
        torch.manual_seed(1)
        g = mirror(f, layer)
        passes.clear()
        history = train_inverter(g, f, tiny, config, seed=0)
        ends.append((history[-1]["loss"], sum(passes), g))
    (kept, few, one), (computed, many, other) = ends
    assert kept == pytest.approx(computed, rel=1e-4)
    # of x once (not in each of two epochs), of x_hat at every step; without keeping, one batch finds out that it may not
    assert (few, many) == ((3 * 96, 4 * 96 + 16) if augment == "none" else (4 * 96, 4 * 96))
    for ours, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=2e-4)


def test_they_are_not_kept_where_images_change_do_not_fit_or_are_read_from_files(tiny, build, monkeypatch):
    f = build().eval()
    with frozen(f):
        assert with_codes(tiny, f, "conv5", **{**AS, "augment": "crop+flip"}) is None
        assert with_codes(object(), f, "conv5", **AS) is None
        size = 4 * 96 * 96 * 8 * 8 // 4  # a quarter of the width: 24 maps of 8 x 8, four bytes each
        monkeypatch.setattr(codes, "MOST", size - 1)
        assert with_codes(tiny, f, "conv1", **AS) is None
        monkeypatch.setattr(codes, "MOST", size)
        assert with_codes(tiny, f, "conv1", **AS).codes.shape == (96, 24, 8, 8)
        monkeypatch.setattr(codes.several, "count", lambda: 2)
        assert with_codes(tiny, f, "conv1", **AS) is None
