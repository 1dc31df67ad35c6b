"""One against all: who is normal, the two scores, and inputs for which there is no answer."""

import pytest
import torch

from arae_core.data import photos
from arae_core.losses import InversionWeights, inversion_loss
from arae_core.metrics import auroc
from arae_core.networks import AlexNet, mirror
from arae_core.systems.anomaly import DCGenerator, OnePassScore, SearchScore, one_vs_all, scores
from arae_core.systems.anomaly.latent_search import SearchConfig, latent_search, white_noise
from tests.tiny import vivid

WEIGHTS = InversionWeights(1.0, 0.1, 0.0, "mean")


@pytest.fixture(scope="module")
def test_set():
    return photos("test", count=60)


@pytest.fixture
def pair():
    torch.manual_seed(0)
    f = AlexNet(image_size=32, num_classes=10, width=0.1).eval()
    return f, vivid(mirror(f, "conv5").eval())


def test_all_of_the_class_and_all_or_some_of_the_others(test_set):
    task = one_vs_all(test_set, "flower")
    own = test_set.labels[task.indices] == test_set.classes.index("flower")
    assert len(task) == 60 and torch.equal(own, ~task.anomalous) and int(own.sum()) == 6
    assert len(set(task.indices.tolist())) == 60
    some = one_vs_all(test_set, "flower", anomalies=18, seed=1)
    assert test_set.labels[some.indices[some.anomalous]].bincount(minlength=10).tolist() == [2, 2, 2, 2, 0, 2, 2, 2, 2, 2]
    assert torch.equal(some.indices, one_vs_all(test_set, "flower", anomalies=18, seed=1).indices)
    assert len(one_vs_all(test_set, "flower", anomalies=1000)) == 60
    flowers, china = test_set.only("flower"), test_set.only("china")
    pytest.raises(ValueError, one_vs_all, test_set, "frog").match("no class 'frog'; it has astronaut")
    pytest.raises(ValueError, one_vs_all, flowers, "flower").match("only class 'flower': without an anomaly")
    pytest.raises(ValueError, one_vs_all, china, "flower").match("no test image of class 'flower'")


def test_images_come_with_their_numbers(test_set):
    task = one_vs_all(test_set, "china", anomalies=9)
    batches = list(task.batches(4))
    assert [len(numbers) for _, numbers in batches] == [4, 4, 4, 3]
    assert sum((numbers for _, numbers in batches), []) == task.indices.tolist()
    assert torch.equal(torch.cat([x for x, _ in batches]), test_set.batch(task.indices)[0])
    assert torch.equal(task.images([1, 7]), test_set.batch(task.indices[[1, 7]])[0])


def test_the_search_score_does_not_depend_on_the_batches(test_set, pair):
    f, g = pair[0].double(), pair[1].double()
    task = one_vs_all(test_set, "china", anomalies=9)
    score = SearchScore(g, f.feature_shape("conv5"), WEIGHTS, SearchConfig(steps=3, lr=5.0), 0, f, "conv5")

    def doubled(x, numbers):
        return score(x.double(), numbers)

    together, alone = scores(task, doubled, 64), scores(task, doubled, 1)
    assert torch.allclose(together, alone, rtol=0, atol=1e-8) and together.std() > 1e-3
    assert auroc(together, task.anomalous) == pytest.approx(auroc(alone, task.anomalous), abs=1e-9)


def test_several_starts_are_averaged(test_set):
    torch.manual_seed(0)
    g = vivid(DCGenerator(32, code_size=8, width=0.05).eval())
    pixels, config = InversionWeights(1.0, 0.0, 0.0, "mean"), SearchConfig(steps=2, lr=1.0)
    x, _ = test_set.batch([0, 1, 2])
    score = SearchScore(g, (8,), pixels, config, seed=4, starts=2)
    single = [latent_search(g, x, white_noise([0, 1, 2], (8,), seed), pixels, config).losses for seed in score.seeds()]
    both = score(x, [0, 1, 2])
    assert torch.allclose(both, torch.stack(single).mean(0), atol=1e-6) and not torch.allclose(both, single[0])
    pytest.raises(ValueError, SearchScore, g, (8,), pixels, config, seed=0, starts=0).match("starts")


def test_one_pass_is_the_loss_of_the_reconstruction(test_set, pair):
    f, g = pair
    x, _ = test_set.batch([0, 1, 2])
    with torch.no_grad():
        for i in range(3):
            z = f.features(x[i:i + 1], "conv5")
            found = OnePassScore(f, g, "conv5", WEIGHTS, scale=z.square().mean().item())(x)
            x_hat = g(z)
            alone, _ = inversion_loss(x_hat, x[i:i + 1], f.features(x_hat, "conv5"), z, None, WEIGHTS)
            assert found[i].item() == pytest.approx(alone.item(), rel=1e-4)
