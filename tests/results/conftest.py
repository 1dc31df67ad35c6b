from types import SimpleNamespace

import pytest
import torch

from arae_core.results import Record


def values(mean, std, n=100):
    """n values of exactly this mean and sample standard deviation."""
    spread = torch.linspace(-1, 1, n, dtype=torch.float64)
    return mean + std * spread / spread.std() if n > 1 else torch.tensor([mean], dtype=torch.float64)


@pytest.fixture
def make_record():
    def make(metrics, seed=0, chapter="inversion", notes="", **parameters):
        parameters = {"profile": "default", "seed": seed, "eps": 1.0} | parameters
        data = SimpleNamespace(name="photos", digest="0123456789abcdef", notes=notes)
        record = Record.of_run(chapter, parameters=parameters, data=data, seed=seed, started=0.0)
        for name, value in metrics.items():
            record.add(name, values(*value) if isinstance(value, tuple) else value)
        return record

    return make
