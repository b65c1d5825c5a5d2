"""A simulation from its first image to its report: three stages, rounds, gates, promotions, audit, export."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from backend.db.engine_models import Stage
from backend.db.models import Assignment, ModelVersion, Project, Round
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import audits, exports, model_versions, promotions, proposals, rounds, stages
from backend.simulation.annotator import Manner, overlap_with_truth
from backend.simulation.working import Desk, Tally, annotate, bitmap_of
from backend.simulation.world import Split, World, build, local_settings, work_off
from segmenter.build import Model
from workers.model_cache import ModelCache

CLICKS: Final = (1, 3, 5)
MEASURED: Final = (*(f"miou@{count}" for count in CLICKS), "noc@85")
NO_OBJECT: Final = 0.25  # IoU with every human mask below which an auditor finds no object
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """What was asked for: ``minutes`` of training a round, at most ``most_masks`` of an image, masks to ``audit``."""

    rounds: int = 3
    seed: int = 0
    minutes: float = 3.0
    mode: str = "auto"
    most_masks: int = 20
    audit: int = 100
    manner: Manner = field(default_factory=Manner)


def stages_of(count: int) -> list[Stage]:
    """The stage of every round: the first half assisted-manual, then semi-automatic, of three or more the last one
    fully automatic."""
    by_people = count - 1 if count >= 3 else count
    manual = (by_people + 1) // 2
    kinds: list[Stage] = ["assisted_manual", "semi_automatic", "fully_automatic"]
    return [kinds[0]] * manual + [kinds[1]] * (by_people - manual) + [kinds[2]] * (count - by_people)


def simulate(out: Path, release: Path, split: Split, wishes: Wishes, tell: Tell) -> dict[str, Any]:
    """Runs everything in an instance of its own, ``out/instance``, and exports it to ``out/export.json``.

    ``release`` is the folder of the model that begins. Returns the report, as docs/simulation.md describes it. Raises
    MaskmillError for what cannot be done.
    """
    runtime = Runtime.from_settings(local_settings(out / "instance"), send=lambda wakes: None)
    try:
        simulation = Simulation(runtime, release, split, wishes, tell)
        report = simulation.run()
        counts = exports.write_file(runtime, simulation.world.project_id, out / "export.json", with_images=False)
    finally:
        runtime.close()
    return report | {"export": {"file": "export.json", **asdict(counts)}}


class Simulation:
    """One run. It performs the jobs itself, so nothing else may work on the instance."""

    def __init__(self, runtime: Runtime, release: Path, split: Split, wishes: Wishes, tell: Tell) -> None:
        import migrations

        self.runtime, self.split, self.wishes, self.tell = runtime, split, wishes, tell
        self.rng = random.Random(wishes.seed)
        self.models = ModelCache()
        migrations.upgrade(runtime.engine)
        version = model_versions.register_release(runtime, release)
        tell(f"uploading {len(split.pool)} images to annotate and {len(split.held_out)} that are held out")
        training = {"minutes": wishes.minutes, "mode": wishes.mode, "held_out_share": split.share}
        name = ", ".join(sorted({one.dataset for one in (*split.pool, *split.held_out)}))
        self.world: World = build(runtime, split, f"Simulation of {name}", {"training": training})
        self.start_version = version

    def run(self) -> dict[str, Any]:
        plan = stages_of(self.wishes.rounds)
        shares = _shares(len(self.split.pool), len(plan))
        done: list[dict[str, Any]] = []
        for number, (stage, count) in enumerate(zip(plan, shares, strict=True), 1):
            self._go_to(stage, number)
            self.tell(f"round {number}: {stage.replace('_', '-')}, {count} images")
            done.append(self._automatic() if stage == "fully_automatic" else self._by_people(stage, count))
        report: dict[str, Any] = {
            "datasets": sorted({one.dataset for one in (*self.split.pool, *self.split.held_out)}),
            "model": f"{self.start_version.name} {self.start_version.version}",
            "weights_digest": self.start_version.digest,
            "seed": self.wishes.seed,
            "images": len(self.split.pool),
            "holdout": len(self.split.held_out),
            "annotator": asdict(self.wishes.manner),
            "start": _held_out(done[0].pop("before")),
            "rounds": [{name: value for name, value in row.items() if name != "before"} for row in done],
            "audit": self._audit(),
        }
        return report | {"summary": summary(report)}

    # --- stages -----------------------------------------------------------------------------------------------------

    def _go_to(self, stage: Stage, number: int) -> None:
        with self.runtime.write() as uow:
            project = uow.session.get_one(Project, self.world.project_id)
            if project.stage != stage:
                reason = f"The simulation's plan: round {number} is {stage.replace('_', '-')}."
                stages.change(uow, project.id, stage, self.world.admin_id, reason)
        work_off(self.runtime)  # in a stage with automatic masks they are made by themselves

    def _by_people(self, stage: Stage, count: int) -> dict[str, Any]:
        desk = Desk.of(self.world, self._model(), self.wishes.manner, self.wishes.most_masks, self.rng)
        tally = annotate(desk, count, with_proposals=stage == "semi_automatic")
        self.tell(f"  {tally.drawn + tally.accepted} masks, {tally.clicks} clicks")
        return {"stage": stage, **tally.figures(), **self._round()}

    def _automatic(self) -> dict[str, Any]:
        """Automatic masks on what nobody annotated; the confident ones stand, and a sample of them is audited."""
        tally = Tally()
        for image_id in self._without_masks():
            truths = self.world.labelled[image_id].truths()
            with self.runtime.read() as session:
                shown = [one for one in proposals.of_image(session, image_id)["proposals"] if one["confident"]]
            overlaps = [overlap_with_truth(bitmap_of(one), truths) for one in shown]
            with self.runtime.write() as uow:
                tally.accepted += proposals.accept_all(uow, image_id, self.world.admin_id, None, None)
            tally.images += 1
            tally.proposed += len(shown)
            tally.right += len({nearest for overlap, nearest in overlaps if overlap >= 0.5})
            tally.objects += len(truths)
        version = self._active()
        told = {"model_version": _named(version), "decision": "none", "trained": False}
        return {"stage": "fully_automatic", **tally.figures(), **told, "acceptance": None, "mended": None}

    def _without_masks(self) -> list[str]:
        """Images that nobody completed, in the order of work."""
        complete = select(Assignment.image_id).where(Assignment.complete)
        with self.runtime.read() as session:
            done = set(session.scalars(complete))
        return [image_id for image_id in self.world.pool if image_id not in done]

    # --- rounds -----------------------------------------------------------------------------------------------------

    def _round(self) -> dict[str, Any]:
        with self.runtime.write() as uow:
            round_id = rounds.start(uow, self.world.project_id, self.world.admin_id, trigger="simulation").id
        self.tell("  training and comparing")
        work_off(self.runtime)
        with self.runtime.read() as session:
            row = session.get_one(Round, round_id)
        if row.state != "judged":
            raise Conflict(f"The round is {row.state}: {row.failure}", code="round_state")
        decision, reason = self._decide(row)
        held = row.figures["held_out"]
        serving = held["candidate"] if decision.startswith("promote") else held["active"]
        version = self._active()
        return {
            "model_version": _named(version),
            "decision": row.decision,
            "decided": decision,
            "reason": reason,
            "trained": True,
            "training": row.figures.get("training", {}),
            "gates": {gate["name"]: gate["passed"] for gate in (row.gate_report or {}).get("gates", [])},
            "candidate": _held_out(held["candidate"]),
            **_held_out(serving),
            "before": held["active"],
        }

    def _decide(self, row: Round) -> tuple[str, str]:
        decision, reason = decide(row.gate_report or {}, row.figures["held_out"])
        with self.runtime.write() as uow:
            if decision == "rejected":
                promotions.reject(uow, row.id, self.world.admin_id, reason)
                return decision, reason
            promotion_id = promotions.promote(uow, row.id, self.world.admin_id, reason).id
        promotions.follow(self.runtime, promotion_id)
        work_off(self.runtime)
        return decision, reason

    def _active(self) -> ModelVersion:
        with self.runtime.read() as session:
            project = session.get_one(Project, self.world.project_id)
            return session.get_one(ModelVersion, project.active_version_id)

    def _model(self) -> Model:
        return self.models.get(self.runtime, self._active()).model

    # --- audit ------------------------------------------------------------------------------------------------------

    def _audit(self) -> dict[str, Any] | None:
        """People correct a sample of the automatic masks to the human ones; None where there is none."""
        world = self.world
        try:
            audit_id = audits.create(
                self.runtime, world.project_id, world.admin_id, self.wishes.audit, self.wishes.seed
            )
        except Conflict as error:
            if error.code != "nothing_to_audit":
                raise
            return None
        images = set[str]()
        while True:
            with self.runtime.write() as uow:
                entry = audits.next_entry(uow, audit_id, world.annotator_id)
            if entry is None:
                break
            images.add(entry["image_id"])
            self._correct(entry)
        with self.runtime.write() as uow:
            audits.close(uow, audit_id)
        with self.runtime.read() as session:
            found = audits.report(session, audit_id)
        told: dict[str, Any] = {"pairs": found["done_count"], "images": len(images)}
        for bar in found["bars"]:
            name = f"share@{bar['iou_above']:.2f}"
            told |= {name: bar["share"]["value"], f"{name}_ci": [bar["share"]["low"], bar["share"]["high"]]}
        return told

    def _correct(self, entry: dict[str, Any]) -> None:
        one = self.world.labelled[entry["image_id"]]
        overlap, nearest = overlap_with_truth(bitmap_of(entry), one.truths())
        counts = one.counts[nearest] if overlap >= NO_OBJECT else None
        manner = self.wishes.manner
        seconds = manner.judge_seconds + manner.brush_seconds + manner.brush_seconds_a_point * 100 * (1 - overlap)
        audits.correct(self.runtime, entry["id"], self.world.annotator_id, counts, seconds)


def _shares(images: int, parts: int) -> list[int]:
    """How many images each round gets; all are given."""
    return [images // parts + (number < images % parts) for number in range(parts)]


def _named(version: ModelVersion) -> str:
    return f"{version.name} {version.version}"


def _held_out(figures: dict[str, Any]) -> dict[str, Any]:
    names = [f"{name}{end}" for name in MEASURED for end in ("", "_ci")]
    return {f"heldout_{name}": figures[name] for name in names if name in figures}


def decide(report: dict[str, Any], held: dict[str, Any]) -> tuple[str, str]:
    """What the simulated admin does with a gate report, and the reason that is written down.

    The admin follows the report, but overrides it in two cases: where there is too little evidence and no mean is
    worse; and where only the number of automatic masks changed too much, and answers to clicks surely got better.
    A start model that finds almost nothing by itself in a new domain cannot improve without finding more.
    """
    if report.get("decision") == "promote":
        return "promoted", ""
    if report.get("decision") == "insufficient_evidence" and _not_worse(held):
        reason = "Too few held-out images to be sure, but no mean is worse; this project has no more."
        return "promoted by override", reason
    gates = {gate["name"]: gate for gate in report.get("gates", [])}
    failed = [name for name, gate in gates.items() if not gate["passed"]]
    if failed == ["mask_count"] and all(gates[f"miou@{count}"]["figures"]["low"] > 0 for count in CLICKS):
        counts = gates["mask_count"]["figures"]
        reason = (
            "Only the number of automatic masks stands against it, and answers to clicks are surely better: "
            f"{counts['candidate']} masks on {counts['images']} images instead of {counts['active']}."
        )
        return "promoted by override", reason
    return "rejected", str(report.get("words", ""))


def _not_worse(held: dict[str, Any]) -> bool:
    return all(held["candidate"][f"miou@{count}"] >= held["active"][f"miou@{count}"] for count in CLICKS)


def summary(report: dict[str, Any]) -> Sequence[str]:
    """What happened, in sentences."""
    start, rows = report["start"], report["rounds"]
    last = next((row for row in reversed(rows) if "heldout_miou@1" in row), start)
    found = [
        f"Held-out mIoU after {count} click{'s' if count > 1 else ''}: {start[f'heldout_miou@{count}']:.3f} at the "
        f"start, {last[f'heldout_miou@{count}']:.3f} after the last round, on {report['holdout']} images."
        for count in CLICKS
    ]
    for name, unit in (("clicks_per_mask", "Clicks"), ("seconds_per_mask", "Seconds")):
        manual, semi = (_mean_of(rows, stage, name) for stage in ("assisted_manual", "semi_automatic"))
        if manual is not None and semi is not None:
            found.append(
                f"{unit} for an accepted mask: {manual:.2f} in the assisted-manual stage, {semi:.2f} in the "
                f"semi-automatic one."
            )
    promoted = sum(str(row.get("decided", "")).startswith("promoted") for row in rows)
    trained = sum(row["trained"] for row in rows)
    found.append(f"{promoted} of {trained} trained candidates were promoted.")
    return found


def _mean_of(rows: Sequence[dict[str, Any]], stage: str, name: str) -> float | None:
    """The mean over a stage's masks."""
    known = [(row[name], row["masks"]) for row in rows if row["stage"] == stage and row[name] is not None]
    masks_made = sum(count for _, count in known)
    return sum(value * count for value, count in known) / masks_made if masks_made else None
