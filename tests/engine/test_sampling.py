"""Samples: reproducible, growing, and without favourites."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine import sampling

NAMES = st.lists(st.text(max_size=5), max_size=40)


@given(st.integers(), NAMES, st.integers(0, 50), st.randoms())
def test_a_sample_depends_on_seed_and_names_alone(seed: int, names: list[str], size: int, rng: object) -> None:
    sample = sampling.draw(seed, names, size)
    shuffled = [*names, *names[:3]]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert sampling.draw(seed, shuffled, size) == sample
    assert len(sample) == len(set(sample)) == min(size, len(set(names)))
    assert set(sample) <= set(names)
    assert sampling.draw(seed, names, size + 5)[: len(sample)] == sample


def test_every_name_is_drawn_about_equally_often_and_in_every_place() -> None:
    names = [f"mask {number}" for number in range(10)]
    samples = [sampling.draw(seed, names, 3) for seed in range(4000)]
    for drawn in (Counter(name for sample in samples for name in sample), Counter(sample[0] for sample in samples)):
        expected = sum(drawn.values()) / 10
        chi_squared = sum((drawn[name] - expected) ** 2 / expected for name in names)
        assert chi_squared < 27.9  # 9 degrees of freedom, p = 0.001; the seeds are fixed


def test_a_negative_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 0"):
        sampling.draw(1, ["a"], -1)
