"""The gates: what may reach annotators, what a person may override, and what can never pass."""

import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine.gates import (
    COMPARED,
    Compared,
    GateFigures,
    GateLimits,
    GateReport,
    MaskCounts,
    Parity,
    Slice,
    judge,
)

SOUND = GateFigures(
    refusal="",
    finite=True,
    same_architecture=True,
    parity=Parity(1e-4, 0.999),
    done_steps=200,
    done_share=1.0,
    snapshot_digest="a" * 64,
    trained_digest="a" * 64,
    leaked_images=0,
    held_out_images=60,
    held_out_masks=300,
    compared={name: Compared(0.75, 0.74, -0.001, 0.02) for name in COMPARED},
    slices=(Slice("size", "small", 100, 0.6, 0.61), Slice("category", "cup", 5, 0.2, 0.9)),
    mask_counts=MaskCounts(110, 100, 10),
)
INTEGRITY = {
    "files": {"refusal": "decoder.onnx is missing"},
    "weights": {"finite": False},
    "architecture": {"same_architecture": False},
    "decoder": {"parity": Parity(0.5, 0.4)},
    "training": {"done_steps": 2, "done_share": 0.01},
    "snapshot": {"trained_digest": "b" * 64},
    "held_out": {"leaked_images": 1},
}
UNMEASURED = ("refusal", "finite", "same_architecture", "parity", "done_steps", "done_share", "snapshot_digest")


def failed(report: GateReport) -> list[str]:
    return [gate.name for gate in report.gates if not gate.passed]


def test_a_sound_candidate_that_is_no_worse_is_promoted() -> None:
    report = judge(SOUND)
    assert (report.decision, report.overridable, failed(report)) == ("promote", True, [])


@pytest.mark.parametrize("gate", INTEGRITY)
def test_a_broken_or_dishonest_candidate_is_rejected_and_nobody_can_override_it(gate: str) -> None:
    report = judge(replace(SOUND, **INTEGRITY[gate]))  # type: ignore[arg-type]  # values by field name
    assert (report.decision, report.overridable, failed(report)) == ("reject", False, [gate])
    assert judge(replace(SOUND, held_out_images=3, **INTEGRITY[gate])).decision == "reject"  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("name", [*UNMEASURED, "trained_digest", "leaked_images"])
def test_what_was_not_measured_does_not_pass(name: str) -> None:
    report = judge(replace(SOUND, **{name: None}))  # type: ignore[arg-type]  # values by field name
    assert (report.decision, report.overridable) == ("reject", False)


def test_no_figures_at_all_pass_no_gate() -> None:
    report = judge(GateFigures())
    assert len(failed(report)) == len(report.gates) == 14


def test_a_version_from_elsewhere_is_never_promoted_by_itself_but_a_person_may_vouch_for_it() -> None:
    told = {"made_elsewhere": True, "done_steps": None, "done_share": None, "trained_digest": None}
    foreign = replace(SOUND, **told)  # type: ignore[arg-type]  # values by field name
    for same in (True, False):
        report = judge(replace(foreign, same_architecture=same))
        assert (report.decision, report.overridable, failed(report)) == ("reject", True, ["origin"])
    for harm in ("files", "weights", "decoder", "held_out"):
        report = judge(replace(foreign, **INTEGRITY[harm]))  # type: ignore[arg-type]  # as above
        assert (report.decision, report.overridable) == ("reject", False)


@pytest.mark.parametrize("name", COMPARED)
def test_a_missing_comparison_does_not_pass(name: str) -> None:
    kept = {other: one for other, one in SOUND.compared.items() if other != name}
    report = judge(replace(SOUND, compared=kept))
    assert (report.decision, report.overridable, failed(report)) == ("reject", True, [name])


def test_too_few_held_out_images_are_no_evidence_whatever_they_show() -> None:
    few = replace(SOUND, held_out_images=49)
    assert judge(few).decision == "insufficient_evidence"
    assert judge(replace(few, compared={})).decision == "insufficient_evidence"
    assert judge(few).overridable
    assert judge(few, GateLimits(held_out_images=49)).decision == "promote"


@pytest.mark.parametrize(
    ("low", "passes"), [(-0.005, True), (-0.00501, False), (0.0, True), (math.nan, False), (-math.inf, False)]
)
def test_the_lower_end_of_the_interval_decides(low: float, passes: bool) -> None:
    compared = dict(SOUND.compared) | {"miou@3": Compared(0.75, 0.74, low, 0.02)}
    assert failed(judge(replace(SOUND, compared=compared))) == ([] if passes else ["miou@3"])


def test_more_clicks_than_allowed_are_worse() -> None:
    for high, passes in ((1.0, True), (1.01, False), (math.nan, False)):
        compared = dict(SOUND.compared) | {"noc@85": Compared(4.0, 3.8, -0.5, high)}
        assert failed(judge(replace(SOUND, compared=compared))) == ([] if passes else ["noc@85"])


def test_one_bad_slice_is_enough_if_it_is_large_enough() -> None:
    def with_slice(masks: int, candidate: float) -> GateFigures:
        return replace(SOUND, slices=(Slice("source", "click", masks, candidate, 0.5),))

    assert failed(judge(with_slice(30, 0.479))) == ["slices"]
    assert failed(judge(with_slice(29, 0.479))) == []
    assert failed(judge(with_slice(30, 0.481))) == []
    assert failed(judge(with_slice(30, math.nan))) == ["slices"]
    assert "masks made by click −2.1" in next(g.words for g in judge(with_slice(30, 0.479)).gates if g.name == "slices")


@pytest.mark.parametrize(("candidate", "passes"), [(70, True), (69, False), (130, True), (131, False), (0, False)])
def test_a_flood_or_a_drought_of_automatic_masks_is_refused(candidate: int, passes: bool) -> None:
    counts = MaskCounts(candidate, 100, 10)
    assert failed(judge(replace(SOUND, mask_counts=counts))) == ([] if passes else ["mask_count"])


def test_the_report_is_json_without_numbers_that_are_none() -> None:
    compared = dict(SOUND.compared) | {"miou@1": Compared(math.nan, 0.7, math.nan, math.nan)}
    stored = json.loads(json.dumps(judge(replace(SOUND, compared=compared)).as_json(), allow_nan=False))
    gate = next(gate for gate in stored["gates"] if gate["name"] == "miou@1")
    assert gate["figures"]["low"] is None and not gate["passed"]
    assert stored["decision"] == "reject"


def test_figures_as_numpy_counts_them_are_stored_too() -> None:
    """What a worker measures is numpy's: its comparisons are truths that JSON does not know."""
    one = np.float32(0.5)
    measured = replace(
        SOUND,
        parity=Parity(np.float32(1e-4), np.float32(0.999)),
        finite=np.bool_(True),
        leaked_images=np.int64(0),
        compared={name: Compared(one, one, np.float32(0), np.float32(0)) for name in COMPARED},
        slices=(Slice("size", "small", np.int64(100), np.float64(0.6), np.float64(0.61)),),
        mask_counts=MaskCounts(np.int64(110), np.int64(100), 10),
    )
    stored = json.loads(json.dumps(judge(measured, GateLimits()).as_json(), allow_nan=False))
    assert stored["decision"] == "promote" and all(gate["passed"] is True for gate in stored["gates"])


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)
comparisons = st.builds(Compared, numbers, numbers, numbers, numbers)
figures = st.builds(
    GateFigures,
    refusal=st.sampled_from(["", "", "", "broken", None]),
    finite=st.sampled_from([True, True, True, False, None]),
    same_architecture=st.sampled_from([True, True, True, False, None]),
    parity=st.sampled_from([Parity(0.0, 1.0), Parity(math.nan, 1.0), None]),
    done_steps=st.sampled_from([10, 0, None]),
    done_share=st.sampled_from([1.0, 1.0, 1.0, 0.9999, math.nan, None]),
    snapshot_digest=st.just("a" * 64),
    trained_digest=st.sampled_from(["a" * 64, "b" * 64, None]),
    leaked_images=st.sampled_from([0, 0, 0, 1, None]),
    held_out_images=st.integers(40, 60),
    compared=st.dictionaries(st.sampled_from(COMPARED), st.sampled_from([*SOUND.compared.values()]) | comparisons),
    slices=st.lists(st.builds(Slice, st.just("size"), st.just("small"), st.integers(0, 60), numbers, numbers)).map(
        tuple
    ),
    mask_counts=st.none() | st.builds(MaskCounts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)),
)


def reference(found: GateFigures) -> str:
    """The rules of the house once more, as shortly as can be (reliability.md A4)."""
    whole = (
        found.refusal == ""
        and found.finite is True
        and found.same_architecture is True
        and found.parity == Parity(0.0, 1.0)
        and found.done_steps == 10
        and found.done_share == 1.0
        and found.trained_digest == found.snapshot_digest
        and found.leaked_images == 0
    )
    if not whole:
        return "reject"
    if found.held_out_images < 50:
        return "insufficient_evidence"
    if set(found.compared) != set(COMPARED) or not found.slices or found.mask_counts is None:
        return "reject"
    finite = all(math.isfinite(getattr(one, f.name)) for one in found.compared.values() for f in fields(one))
    better = all((one.high <= 1) if name == "noc@85" else one.low >= -0.005 for name, one in found.compared.items())
    fair = all(one.candidate - one.active >= -0.02 for one in found.slices if one.masks >= 30)
    counts = found.mask_counts
    sane = counts.images > 0 and 0.7 * counts.active <= counts.candidate <= 1.3 * counts.active
    return "promote" if finite and better and fair and sane else "reject"


@given(figures)
def test_the_decision_is_that_of_the_reference(found: GateFigures) -> None:
    report = judge(found)
    assert report.decision == reference(found)
    assert (report.decision == "promote") == (not failed(report))
    assert report.overridable == all(gate.passed for gate in report.gates if gate.kind == "integrity")
    assert judge(found) == report or any("nan" in repr(gate.figures) for gate in report.gates)
    json.dumps(report.as_json(), allow_nan=False)
