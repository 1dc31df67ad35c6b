"""How well a score tells anomalies from normal images: ROC curve, area under it, and its spread over images.

The area (AUROC) is the share of pairs, one anomaly and one normal image, in which the anomaly has the higher score;
a tie counts half. 0.5 is what any score gets that knows nothing.
"""

import numpy as np
import torch
from scipy.stats import bootstrap, mannwhitneyu
from sklearn import metrics as sklearn_metrics
from torch import Tensor


def auroc(scores: Tensor, anomalous: Tensor) -> float:
    """Area under the ROC curve of scores (N,), high for anomalies; anomalous: (N,) bool.

    Raises:
        ValueError: NaN or infinite scores, lengths that differ, or only one kind of images: there is no curve then.
    """
    return float(sklearn_metrics.roc_auc_score(*_checked(scores, anomalous)))


def roc_curve(scores: Tensor, anomalous: Tensor) -> tuple[Tensor, Tensor]:
    """(false positive rates, true positive rates), both (K,) from 0 to 1: one point a threshold.

    Raises:
        ValueError: as `auroc`.
    """
    false, true, _ = sklearn_metrics.roc_curve(*_checked(scores, anomalous))
    return torch.from_numpy(false), torch.from_numpy(true)


def resampled_auroc(scores: Tensor, anomalous: Tensor, *, resamples: int = 1000, seed: int = 0) -> Tensor:
    """AUROC (resamples,) of bootstrap samples: as many images of each kind as there are, drawn with replacement.

    Their quantiles 0.025 and 0.975 are a 95 % interval over images (not over seeds). Averaged over classes before
    the quantiles are taken, they give the interval of a mean.

    Raises:
        ValueError: as `auroc`, or less than one resample.
    """
    if resamples < 1:
        raise ValueError(f"at least one resample, not {resamples}")
    kinds, values = _checked(scores, anomalous)
    kinds = kinds.astype(bool)

    def area(high: np.ndarray, low: np.ndarray, axis: int = -1) -> np.ndarray:
        wins = mannwhitneyu(high, low, axis=axis, method="asymptotic").statistic  # the U of Mann and Whitney
        return wins / (high.shape[axis] * low.shape[axis])

    # Scipy wants two of each kind; one image twice gives the same areas as once.
    both = [np.repeat(of, 2) if len(of) == 1 else of for of in (values[kinds], values[~kinds])]
    drawn = {"method": "percentile", "vectorized": True, "batch": 200, "rng": np.random.default_rng(seed)}
    with np.errstate(invalid="ignore", divide="ignore"):  # the p-value, not used, where all scores are equal
        found = bootstrap(both, area, n_resamples=resamples, **drawn)
    return torch.from_numpy(np.asarray(found.bootstrap_distribution))


def bounds(resampled: Tensor) -> tuple[float, float]:
    """The 95 % interval (low, high) of bootstrap values (resamples,)."""
    low, high = torch.quantile(resampled.double(), torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return low, high


def _checked(scores: Tensor, anomalous: Tensor) -> tuple[np.ndarray, np.ndarray]:
    scores, anomalous = torch.as_tensor(scores).detach().cpu(), torch.as_tensor(anomalous).cpu()
    if scores.dim() != 1 or scores.shape != anomalous.shape:
        shapes = f"scores {tuple(scores.shape)}, labels {tuple(anomalous.shape)}"
        raise ValueError(f"one score and one label an image, not {shapes}")
    bad = int((~torch.isfinite(scores)).sum())
    if bad:
        look = "Look for images or weights that are not finite, or for a search that diverged"
        raise ValueError(f"{bad} of {len(scores)} scores are NaN or infinite: they have no rank. {look}")
    found = int(anomalous.bool().sum())
    if not 0 < found < len(scores):
        raise ValueError(f"AUROC needs both kinds of images; here are {found} anomalies among {len(scores)}")
    return anomalous.bool().numpy().astype(int), scores.double().numpy()
