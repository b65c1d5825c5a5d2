"""Stages beside a reference: the rule written once more as plain arithmetic, and the steps as a list of neighbours."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine import stages
from backend.engine.policy import StageNeeds, StageRules
from backend.engine.stages import STAGES, Numbers, Stage

COUNTS = st.integers(0, 60)
NUMBERS = st.builds(
    lambda masks, rounds, decided, audited, ups: Numbers(
        masks, rounds, decided, round(decided * ups[0]), audited, round(audited * ups[1])
    ),
    *[COUNTS] * 4,
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
SHARES = st.none() | st.sampled_from([0.0, 0.5, 0.9, 1.0])
NEEDS = st.builds(StageNeeds, masks=st.none() | COUNTS, rounds=st.none() | COUNTS, acceptance=SHARES, audit=SHARES)


@settings(deadline=None)
@given(st.sampled_from(STAGES), NEEDS, NEEDS, NUMBERS)
def test_a_rule_is_due_exactly_when_arithmetic_says_so(
    stage: Stage, first: StageNeeds, second: StageNeeds, numbers: Numbers
) -> None:
    found = stages.rule(stage, StageRules(assisted_manual=first, semi_automatic=second), numbers)
    needs = {"assisted_manual": first, "semi_automatic": second}.get(stage, StageNeeds())
    met = []
    if needs.masks is not None:
        met.append(numbers.masks >= needs.masks)
    if needs.rounds is not None:
        met.append(numbers.rounds >= needs.rounds)
    if needs.acceptance is not None:
        met.append(numbers.decided >= 20 and numbers.accepted >= needs.acceptance * numbers.decided - 1e-9)
    if needs.audit is not None:
        met.append(numbers.audited >= 20 and numbers.above >= needs.audit * numbers.audited - 1e-9)
    assert [condition.met for condition in found.conditions] == met
    assert found.due == (met != [] and False not in met)
    assert found.to_stage == {"assisted_manual": "semi_automatic", "semi_automatic": "fully_automatic"}.get(stage)


@settings(deadline=None)
@given(st.sampled_from(STAGES), NEEDS, NUMBERS, st.integers(0, 50), st.integers(0, 5))
def test_more_work_never_takes_a_due_step_back(
    stage: Stage, needs: StageNeeds, numbers: Numbers, masks: int, rounds: int
) -> None:
    rules = StageRules(assisted_manual=needs, semi_automatic=needs)
    more = Numbers(
        numbers.masks + masks,
        numbers.rounds + rounds,
        numbers.decided,
        numbers.accepted,
        numbers.audited,
        numbers.above,
    )
    assert stages.rule(stage, rules, more).due >= stages.rule(stage, rules, numbers).due


def test_steps_go_to_neighbours_only() -> None:
    allowed = {pair for pair in product(STAGES, STAGES) if stages.may_go(*pair)}
    first, second, third = STAGES
    assert allowed == {(first, second), (second, first), (second, third), (third, second)}
    for stage in STAGES:
        ahead = stages.after(stage)
        assert ahead is None or stages.before(ahead) == stage


def test_a_rule_that_asks_for_nothing_is_never_due() -> None:
    rules = StageRules(assisted_manual=StageNeeds(), semi_automatic=StageNeeds())
    assert not any(stages.rule(stage, rules, Numbers(10**6, 99)).due for stage in STAGES)
