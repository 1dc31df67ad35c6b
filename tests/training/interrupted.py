"""What the tests of all training loops share: a kill between two steps, and whether two networks are the same."""

import torch

from arae_core.training import Run


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[k], b[k]) for k in a)


class Killed(Exception):
    pass


class KilledAt:
    """A data set that dies at its n-th batch, as a kill between two steps would."""

    def __init__(self, data, n):
        self.data, self.left = data, n

    def __len__(self):
        return len(self.data)

    def __getattr__(self, name):
        return getattr(self.data, name)

    def batches(self, *args, **kwargs):
        for batch in self.data.batches(*args, **kwargs):
            if self.left == 0:
                raise Killed
            self.left -= 1
            yield batch


def save_after_every_step(monkeypatch):
    """Runs over data save as often as they can."""
    over = Run.over

    def saving(*arguments, **named):
        run = over(*arguments, **named)
        run.save_every = -1.0
        return run

    monkeypatch.setattr(Run, "over", saving)
