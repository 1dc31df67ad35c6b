import math

import pytest

from arae_core.metrics import trend


def test_rising_falling_and_in_between():
    assert trend([0, 0.5, 1, 2], [1.0, 1.5, 9.0, 9.1]) == pytest.approx(1)
    assert trend([0, 0.5, 1, 2], [4.0, 3.0, 2.0, 1.0]) == pytest.approx(-1)
    # ranks 1 2 4 3 against 1 2 3 4: 1 - 6 * 2 / (4 * 15)
    assert trend([0, 0.5, 1, 2], [1.0, 2.0, 4.0, 3.0]) == pytest.approx(0.8)


def test_nothing_to_rank():
    assert math.isnan(trend([0, 1, 2], [5.0, 5.0, 5.0]))
    for at, means in (([0, 1], [1.0, 2.0]), ([0, 1, 2], [1.0, 2.0])):
        with pytest.raises(ValueError, match="three places"):
            trend(at, means)
