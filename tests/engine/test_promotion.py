"""Where the pointer may go, and where back is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine.promotion import Move, Refused, check_version, promotion_kind, version_before


def test_a_report_in_favour_promotes_and_any_other_needs_a_reason() -> None:
    assert promotion_kind("promote", True, "") == "promotion"
    assert promotion_kind("insufficient_evidence", True, "seen by eye") == "override"
    assert promotion_kind("reject", True, "seen by eye") == "override"


@pytest.mark.parametrize(
    ("decision", "overridable", "reason", "code"),
    [
        (None, True, "because", "not_judged"),
        ("reject", False, "because", "not_overridable"),
        ("insufficient_evidence", True, "  ", "reason_needed"),
        ("reject", True, "", "reason_needed"),
    ],
)
def test_what_may_not_be_promoted(decision: str | None, overridable: bool, reason: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        promotion_kind(decision, overridable, reason)  # type: ignore[arg-type]  # a literal of the table
    assert refused.value.code == code


def test_only_the_gates_make_a_candidate_active() -> None:
    allowed = {
        (state, kind)
        for state in ("candidate", "active", "rejected", "withdrawn")
        for kind in ("promotion", "override", "rollback", "manual")
        if _may(state, kind)
    }
    everything = {("active", kind) for kind in ("promotion", "override", "rollback", "manual")}
    assert allowed == everything | {("candidate", "promotion"), ("candidate", "override")}


def _may(state: str, kind: str) -> bool:
    try:
        check_version(state, kind)  # type: ignore[arg-type]  # a literal of the table
    except Refused:
        return False
    return True


def test_a_second_rollback_goes_further_back() -> None:
    log = [Move("promotion", "a", "b"), Move("promotion", "b", "c")]
    assert version_before(log) == "b"
    log.append(Move("rollback", "c", "b"))
    assert version_before(log) == "a"
    log.append(Move("rollback", "b", "a"))
    assert version_before(log) is None
    assert version_before([]) is None
    assert version_before([Move("manual", None, "a")]) is None


steps = st.lists(st.sampled_from(["back", "v1", "v2", "v3", "v4"]), max_size=30)


@given(steps)
def test_rollbacks_undo_moves_as_an_undo_list_does(commands: list[str]) -> None:
    """The reference is the list of versions itself: moves add to its end, rollbacks take from it."""
    served, log = ["v0"], list[Move]()
    for command in commands:
        now = served[-1]
        if command == "back":
            before = version_before(log)
            assert before == (served[-2] if len(served) > 1 else None)
            if before is not None:
                served.pop()
                log.append(Move("rollback", now, before))
        elif command != now:
            served.append(command)
            log.append(Move("promotion", now, command))
    assert version_before(log) == (served[-2] if len(served) > 1 else None)
