"""One seed gives many independent streams, the same everywhere."""

import pytest

from arae_core.seeds import derive_seed


def test_is_fixed_for_ever():
    assert derive_seed(0, "epoch", 3) == 6042273707363361164


def test_every_part_counts():
    seeds = {derive_seed(*parts) for parts in [(0,), (1,), (0, 1), (1, 0), (0, "1"), (0, "a", 1), (0, 1, "a"), (-1,)]}
    assert len(seeds) == 8 and all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("parts", [(0.5,), ("0",), (True,), (0, 1.0), (0, None), (0, ("a",))])
def test_only_ints_and_strings(parts):
    with pytest.raises(TypeError):
        derive_seed(*parts)
