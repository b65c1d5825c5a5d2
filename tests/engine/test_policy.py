"""A policy is what its dict says: nothing lost, nothing unknown taken, every number within its range."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine import policy as policies
from backend.engine.gates import GateLimits
from backend.engine.policy import BadPolicy, ProjectPolicy, StageNeeds

SHARES = st.floats(0, 1)
NEEDS = st.builds(
    StageNeeds,
    masks=st.none() | st.integers(0, 10**9),
    rounds=st.none() | st.integers(0, 10**6),
    acceptance=st.none() | SHARES,
    audit=st.none() | SHARES,
)
POLICIES = st.builds(
    ProjectPolicy,
    trigger=st.builds(
        policies.Trigger, every_masks=st.none() | st.integers(1, 10**9), schedule_hours=st.none() | st.floats(0.1, 1e5)
    ),
    training=st.builds(
        policies.Training,
        mode=st.sampled_from(["decoder", "full", "auto"]),
        minutes=st.floats(0.1, 1e5),
        human_weight=st.floats(0.01, 1000),
        exclude_actors=st.sets(st.text(max_size=80), max_size=3).map(lambda ids: tuple(sorted(ids))),
        sources=st.sampled_from(["all", "human", "automatic"]),
        include_older=st.booleans(),
    ),
    gates=st.builds(GateLimits, points=st.floats(0, 100), held_out_images=st.integers(1, 10**6)),
    promotion=st.sampled_from(["manual", "automatic"]),
    confident=st.builds(
        policies.Confident,
        source=st.sampled_from(["automatic", "detector"]),
        min_predicted_iou=st.none() | SHARES,
        min_stability=st.none() | SHARES,
    ),
    stages=st.builds(
        policies.StageRules,
        advance=st.sampled_from(["manual", "automatic"]),
        assisted_manual=NEEDS,
        semi_automatic=NEEDS,
    ),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["trigger", "training", "every_masks", "mode", "stages", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(POLICIES)
def test_a_policy_survives_json_whole_and_as_what_was_chosen(policy: ProjectPolicy) -> None:
    for kept in (policies.as_dict(policy), policies.chosen(policy)):
        assert policies.of_project(json.loads(json.dumps(kept))) == policy


@settings(deadline=None, max_examples=60)
@given(ANYTHING)
def test_whatever_is_told_is_a_policy_or_a_clear_refusal(told: Any) -> None:
    try:
        policy = policies.of_project(told)
    except BadPolicy as refusal:
        assert "\n" not in str(refusal) and len(str(refusal)) > 10
        return
    assert policies.of_project(policies.as_dict(policy)) == policy


def test_nothing_chosen_is_all_by_default() -> None:
    assert policies.of_project({}) == ProjectPolicy() and policies.chosen(ProjectPolicy()) == {}
    assert policies.chosen(policies.of_project({"training": {"minutes": 5, "sources": "human"}})) == {
        "training": {"sources": "human"}
    }


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"colour": "red"}, "knows no colour"),
        ({"training": {"speed": 1}}, "knows no training.speed"),
        ({"training": 3}, "training must be an object"),
        ({"training": {"minutes": True}}, "training.minutes must be a number from 0.1"),
        ({"training": {"minutes": float("nan")}}, "training.minutes"),
        ({"trigger": {"every_masks": 0}}, "trigger.every_masks must be a whole number from 1"),
        ({"trigger": {"every_masks": 1.5}}, "trigger.every_masks must be a whole number"),
        ({"trigger": {"every_masks": 10**400}}, "trigger.every_masks"),
        ({"promotion": ["automatic"]}, "promotion must be one of: manual, automatic"),
        ({"stages": {"semi_automatic": {"audit": 2}}}, "stages.semi_automatic.audit"),
        ({"training": {"include_older": 1}}, "training.include_older must be true or false"),
        ({"training": {"exclude_actors": "ada"}}, "training.exclude_actors must be a list"),
    ],
)
def test_a_refusal_names_the_field(told: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPolicy, match=words):
        policies.of_project(told)


def test_every_number_has_a_range_that_holds_its_default() -> None:
    def numbers(value: Any, path: str) -> dict[str, Any]:
        if is_dataclass(value):
            inner = [numbers(getattr(value, one.name), f"{path}.{one.name}") for one in fields(value)]
            return {name: number for found in inner for name, number in found.items()}
        return {} if isinstance(value, str | bool | tuple) else {path[1:]: value}

    found = numbers(ProjectPolicy(), "")
    assert set(found) == set(policies.RANGES)
    for path, number in found.items():
        least, most = policies.RANGES[path]
        assert number is None or least <= number <= most, path
