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


def test_the_share_of_pairs_in_order(scored):
    assert auroc(*scored) == pytest.approx(by_pairs(*scored))
    anomalous = torch.tensor([False, False, True, True])
    assert auroc(torch.tensor([0.0, 1.0, 2.0, 3.0]), anomalous) == 1
    assert auroc(torch.tensor([3.0, 2.0, 1.0, 0.0]), anomalous) == 0
    assert auroc(torch.ones(4), anomalous) == 0.5


def test_the_curve_encloses_that_area(scored):
    false, true = roc_curve(*scored)
    assert torch.trapezoid(true, false).item() == pytest.approx(auroc(*scored))
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


def test_bootstrap(scored):
    scores, anomalous = scored
    values = resampled_auroc(scores, anomalous, resamples=2000, seed=1)
    low, high = bounds(values)
    assert low < auroc(scores, anomalous) < high and values.mean().item() == pytest.approx(auroc(scores, anomalous), abs=0.01)
    area, n, m = auroc(scores, anomalous), 50, 30  # Hanley and McNeil 1982, for scores that overlap like exponentials
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    error = ((area * (1 - area) + (n - 1) * (q1 - area**2) + (m - 1) * (q2 - area**2)) / (n * m)) ** 0.5
    assert values.std().item() == pytest.approx(error, rel=0.2)
    assert torch.equal(values, resampled_auroc(scores, anomalous, resamples=2000, seed=1))
    assert torch.equal(resampled_auroc(torch.ones(80), anomalous, resamples=9), torch.full((9,), 0.5, dtype=torch.float64))


def test_one_anomaly_has_an_area_and_a_spread():
    scores, one = torch.tensor([0.1, 0.2, 0.3, 0.25]), torch.tensor([False, False, False, True])
    drawn = resampled_auroc(scores, one, resamples=200)
    assert auroc(scores, one) == pytest.approx(2 / 3) and drawn.mean().item() == pytest.approx(2 / 3, abs=0.1)
    assert {round(3 * area.item(), 6) for area in drawn} == {0.0, 1.0, 2.0, 3.0}  # each of three below it or not


@pytest.mark.parametrize("measured", [auroc, roc_curve, resampled_auroc])
def test_refused(measured, scored):
    scores, anomalous = scored
    with pytest.raises(ValueError, match="both kinds of images; here are 0 anomalies among 80"):
        measured(scores, torch.zeros(80, dtype=torch.bool))
    with pytest.raises(ValueError, match="80 anomalies among 80"):
        measured(scores, torch.ones(80, dtype=torch.bool))
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="1 of 80 scores are NaN or infinite"):
            measured(torch.where(torch.arange(80) == 3, bad, scores), anomalous)
    with pytest.raises(ValueError, match="one label"):
        measured(scores[:4], anomalous)
