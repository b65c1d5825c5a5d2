"""What a simulation plans before it runs: stages of rounds, which images are held out, and who says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import Invalid
from backend.simulation.run import stages_of
from backend.simulation.world import Labelled, split_of
from segmenter.training.freezing import is_held_out


def labelled(count: int, group_size: int = 1) -> list[Labelled]:
    return [
        Labelled("set", Path(f"{number}.png"), f"group {number // group_size}", (10, 10), ("0d3",))
        for number in range(count)
    ]


def test_the_last_of_three_rounds_or_more_is_fully_automatic():
    assert stages_of(1) == ["assisted_manual"]
    assert stages_of(2) == ["assisted_manual", "semi_automatic"]
    assert stages_of(3) == ["assisted_manual", "semi_automatic", "fully_automatic"]
    assert stages_of(6) == ["assisted_manual"] * 3 + ["semi_automatic"] * 2 + ["fully_automatic"]


@pytest.mark.parametrize("group_size", [1, 3])
def test_the_engines_own_rule_holds_out_exactly_these(group_size):
    found = labelled(60, group_size)
    split = split_of(found, None, 12, seed=0)
    assert 12 <= len(split.held_out) < 12 + group_size
    assert len(split.pool) + len(split.held_out) == 60
    assert all(is_held_out(one.group, split.share) for one in split.held_out)
    assert not any(is_held_out(one.group, split.share) for one in split.pool)


def test_the_seed_orders_what_is_annotated_and_nothing_else():
    found = labelled(80)
    first, other = split_of(found, 20, None, seed=1), split_of(found, 20, None, seed=2)
    assert len(first.held_out) == 50
    assert {one.name for one in first.held_out} == {one.name for one in other.held_out}
    assert len(first.pool) == len(other.pool) == 20
    assert [one.name for one in first.pool] != [one.name for one in other.pool]
    assert first == split_of(found, 20, None, seed=1)


def test_too_few_images_are_refused():
    with pytest.raises(Invalid, match="too few"):
        split_of(labelled(50), None, None, seed=0)
    with pytest.raises(Invalid, match="too few"):
        split_of([], None, 5, seed=0)
