"""Which names of a notebook are its parameters."""

import math

from arae_core.results import literals


def test_only_literals_of_lower_case():
    namespace = {"eps": 1.0, "profile": "smoke", "radii": [0.0, 0.5], "keep_best": False, "math": math,
                 "_i3": "x = 1", "In": ["a"], "Out": {}, "__name__": "__main__", "F": 3, "f": len}
    assert literals(namespace) == {"eps": 1.0, "profile": "smoke", "radii": [0.0, 0.5], "keep_best": False}
