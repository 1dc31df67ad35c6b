"""One seed for a run, and from it an independent, named stream for everything that draws at random."""

import hashlib


def derive_seed(seed: int, *labels: int | str) -> int:
    """A seed in [0, 2**63) that depends on `seed` and every label, the same in every process and version.

    `derive_seed(0, "epoch", 3)` and `derive_seed(0, "epoch", 4)` give unrelated streams, so an epoch can be
    drawn again after a restart without having drawn those before it. Labels are ints or strings; 3 and "3"
    differ. Raises TypeError for anything else (a float's text is not a name to rely on).
    """
    if type(seed) is not int or any(type(label) not in (int, str) for label in labels):
        raise TypeError(f"a seed is an int, and its labels are ints and strings, not {(seed, *labels)!r}")
    digest = hashlib.sha256(repr((seed, *labels)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
