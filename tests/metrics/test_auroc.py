"""AUROC against counting pairs, its curve, its spread, and scores that have no rank."""

import pytest
import torch

from arae_core.metrics import auroc, bounds, resampled_auroc, roc_curve


def by_pairs(scores, anomalous):
    high, low = scores[anomalous][:, None], scores[~anomalous][None]
    return ((high > low).double() + 0.5 * (high == low)).mean().item()


@pytest.fixture
def scored():
    generator = torch.Generator().manual_seed(0)
    anomalous = torch.arange(80) >= 30
    return (torch.randn(80, generator=generator) + anomalous).mul(4).round(), anomalous  # rounded: with ties


def test_the_share_of_pairs_in_order_is_the_area_under_the_curve(scored):
    assert auroc(*scored) == pytest.approx(by_pairs(*scored))
    anomalous = torch.tensor([False, False, True, True])
    for area, scores in ((1, [0.0, 1.0, 2.0, 3.0]), (0, [3.0, 2.0, 1.0, 0.0]), (0.5, [1.0] * 4)):
        assert auroc(torch.tensor(scores), anomalous) == area
    false, true = roc_curve(*scored)
    assert torch.trapezoid(true, false).item() == pytest.approx(auroc(*scored))
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


def test_bootstrap(scored):
    area, n, m = auroc(*scored), 50, 30
    values = resampled_auroc(*scored, resamples=2000, seed=1)
    low, high = bounds(values)
    assert low < area < high and values.mean().item() == pytest.approx(area, abs=0.01)
    # Hanley and McNeil 1982, for scores that overlap like exponentials
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    error = ((area * (1 - area) + (n - 1) * (q1 - area**2) + (m - 1) * (q2 - area**2)) / (n * m)) ** 0.5
    assert values.std().item() == pytest.approx(error, rel=0.2)
    assert torch.equal(values, resampled_auroc(*scored, resamples=2000, seed=1))
    assert resampled_auroc(torch.ones(80), scored[1], resamples=9).tolist() == [0.5] * 9


def test_one_anomaly_has_an_area_and_a_spread():
    scores, one = torch.tensor([0.1, 0.2, 0.3, 0.25]), torch.tensor([False, False, False, True])
    drawn = resampled_auroc(scores, one, resamples=200)
    assert auroc(scores, one) == pytest.approx(2 / 3) and drawn.mean().item() == pytest.approx(2 / 3, abs=0.1)
    assert {round(3 * area.item(), 6) for area in drawn} == {0.0, 1.0, 2.0, 3.0}  # each of three below it or not


@pytest.mark.parametrize("measured", [auroc, roc_curve, resampled_auroc])
def test_refused(measured, scored):
    scores, anomalous = scored
    for all_of_them, count in ((torch.zeros(80), 0), (torch.ones(80), 80)):
        said = pytest.raises(ValueError, measured, scores, all_of_them.bool())
        assert said.match(f"both kinds of images; here are {count} anomalies among 80")
    for bad in (float("nan"), float("inf")):
        said = pytest.raises(ValueError, measured, scores.index_fill(0, torch.tensor(3), bad), anomalous)
        assert said.match("1 of 80 scores are NaN or infinite")
    pytest.raises(ValueError, measured, scores[:4], anomalous).match("one label")
