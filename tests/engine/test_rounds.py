"""The round's state machine against a small reference model, and the rules of what begins and what is learned from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine import rounds
from backend.engine.rounds import AFTER, BEFORE, IllegalMove, after

# The reference: a round as a text of what happened, and the texts that are allowed.
LETTERS = {
    "train": "t",
    "finish_training": "d",
    "evaluate": "e",
    "judge": "j",
    "promote": "P",
    "reject": "R",
    "fail": "F",
    "cancel": "C",
}
# Frozen; trained, here (td) or elsewhere (d); compared as often as wanted; then one end, or none yet.
ALLOWED = re.compile(r"(F|C|t(F|C)?|t?d(ej)*(C|e(F|C)?|)|t?d(ej)+(P|R))?")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(sorted(LETTERS)), max_size=12))
def test_every_course_of_a_round_is_one_of_the_reference(actions: list[str]) -> None:
    state, course = "frozen", ""
    for action in actions:
        longer = course + LETTERS[action]
        try:
            state = after(state, action)  # type: ignore[arg-type]
        except IllegalMove:
            assert not _allowed(longer), longer
            continue
        assert _allowed(longer), longer
        course = longer


def _allowed(course: str) -> bool:
    judged = course.endswith("jC")  # what was judged is over: it is promoted or rejected, not cancelled
    return ALLOWED.fullmatch(course) is not None and not judged


def test_ends_are_ends_and_every_state_is_reached() -> None:
    ends = {"promoted", "rejected", "cancelled"}
    assert not any(state in ends for before in BEFORE.values() for state in before)
    assert {"frozen", *AFTER.values()} >= {state for before in BEFORE.values() for state in before}
    assert set(rounds.WORKING) < set(rounds.UNFINISHED)


@pytest.mark.parametrize(("kind", "state"), [("freeze", "frozen"), ("train", "training"), ("evaluate", "evaluating")])
def test_a_retry_goes_back_to_what_failed(kind: str, state: str) -> None:
    assert after("failed", "retry", kind) == state
    with pytest.raises(IllegalMove, match="judged cannot retry"):
        after("judged", "retry", kind)


@given(
    st.none() | st.integers(1, 1000),
    st.none() | st.floats(0.1, 1000),
    st.integers(0, 2000),
    st.floats(0, 2000),
)
def test_a_round_begins_by_itself_only_for_a_reason(
    every: int | None, hours: float | None, new: int, passed: float
) -> None:
    reason = rounds.due(every, hours, new, passed)
    if reason == "masks":
        assert every is not None and new >= every
    elif reason == "schedule":
        assert hours is not None and passed >= hours and new > 0
    else:
        assert (every is None or new < every) and (hours is None or passed < hours or not new)


def test_what_learns_follows_policy_and_hardware() -> None:
    assert [rounds.training_mode("auto", gpu) for gpu in (False, True)] == ["decoder", "full"]
    assert rounds.training_mode("full", False) == "full"


@pytest.mark.parametrize(
    ("source", "state", "wanted", "confident", "expected"),
    [
        ("click", "accepted", "all", False, True),
        ("click", "accepted", "human", False, True),
        ("click", "accepted", "automatic", False, False),
        ("click", "proposed", "all", True, False),
        ("automatic", "accepted", "all", False, True),
        ("automatic", "accepted", "human", False, False),
        ("automatic", "proposed", "all", False, False),
        ("automatic", "proposed", "all", True, True),
        ("detector", "proposed", "automatic", True, True),
        ("detector", "rejected", "all", True, False),
        ("import", "superseded", "all", False, False),
    ],
)
def test_what_is_learned_from(source: str, state: str, wanted: str, confident: bool, expected: bool) -> None:
    assert rounds.learned_from(source, state, wanted, confident) is expected  # type: ignore[arg-type]


def test_only_masks_of_people_are_the_truth() -> None:
    found = [source for source in ("click", "import", "automatic", "detector") if rounds.judged_by(source, "accepted")]
    assert found == ["click", "import"]
    assert not rounds.judged_by("click", "proposed")


def test_proposals_teach_in_the_last_stage_or_where_they_are_wanted() -> None:
    assert rounds.learns_from_proposals("fully_automatic", "all")
    assert rounds.learns_from_proposals("assisted_manual", "automatic")
    assert not rounds.learns_from_proposals("semi_automatic", "all")
    assert not rounds.learns_from_proposals("fully_automatic", "human")
