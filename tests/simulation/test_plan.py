"""What a simulation plans before it runs: stages of rounds, which images are held out, and who says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.engine.gates import Compared, GateFigures, MaskCounts, Parity, Slice, judge
from backend.errors import Invalid
from backend.simulation.run import decide, stages_of
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


def figures(gain: float = 0.05, unsure: float = 0.02, automatic: int = 100, images: int = 60, **more) -> GateFigures:
    """Of a whole candidate that is better by ``gain``, give or take ``unsure``, beside 100 automatic masks."""
    compared = {f"miou@{count}": Compared(0.5 + gain, 0.5, gain - unsure, gain + unsure) for count in (1, 3, 5)}
    compared["noc@85"] = Compared(8 - gain, 8, -gain - unsure, unsure - gain)
    whole = GateFigures(
        refusal="",
        finite=True,
        same_architecture=True,
        parity=Parity(0.0, 1.0),
        done_steps=10,
        done_share=1.0,
        snapshot_digest="same",
        trained_digest="same",
        leaked_images=0,
        held_out_images=images,
        held_out_masks=5 * images,
        compared=compared,
        slices=(Slice("size", "small", 40, 0.5 + gain, 0.5),),
        mask_counts=MaskCounts(automatic, 100, 8),
    )
    return replace(whole, **more)


@pytest.mark.parametrize(
    ("found", "decided"),
    [
        (figures(), "promoted"),
        (figures(gain=-0.05), "rejected"),
        (figures(images=20), "promoted by override"),
        (figures(images=20, gain=-0.001), "rejected"),
        (figures(automatic=900), "promoted by override"),
        (figures(automatic=900, gain=0.01), "rejected"),
        (figures(automatic=900, slices=()), "rejected"),
        (figures(automatic=900, leaked_images=1), "rejected"),
        (figures(finite=False), "rejected"),
    ],
)
def test_the_admin_follows_the_report_but_for_two_reasons(found, decided):
    means = {
        side: {name: getattr(one, side) for name, one in found.compared.items()} for side in ("candidate", "active")
    }
    decision, reason = decide(judge(found).as_json(), means)
    assert decision == decided
    assert bool(reason) == (decided != "promoted")
