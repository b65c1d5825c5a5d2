"""No bad candidate becomes active, through the real jobs, gates and promotions (reliability.md A4).

The policy promotes by itself whatever passes, so a gate that does not hold shows as a pointer that moved.
"""

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from backend.db.models import ModelVersion, Round, Snapshot
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import promotions
from backend.storage import keys
from segmenter import manifest as names
from segmenter.manifest import read_manifest
from tests.annotated import HEIGHT, WIDTH, shapes
from tests.candidates import IMAGES, Engine, failed


def not_numbers(folder: Path) -> None:
    from segmenter.checkpoint import load_weights, save_weights

    state, config = load_weights(folder / names.WEIGHTS)
    next(value for name, value in state.items() if name.startswith("mask_decoder."))[...] = math.nan
    save_weights(folder / names.WEIGHTS, state, config)


def other_shape(folder: Path) -> None:
    from segmenter.checkpoint import load_weights, save_weights

    state, config = load_weights(folder / names.WEIGHTS)
    name = next(name for name, value in state.items() if value.ndim == 2)
    save_weights(folder / names.WEIGHTS, state | {name: state[name][:-1]}, config)


def other_weights(folder: Path) -> None:
    from segmenter.checkpoint import load_weights, save_weights

    state, config = load_weights(folder / names.WEIGHTS)
    other = {name: value * 2 if name.startswith("mask_decoder.") else value for name, value in state.items()}
    save_weights(folder / names.WEIGHTS, other, config)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_bad_candidate_becomes_active_and_a_good_one_does(
    runtime: Runtime, tiny_release: Path, exported_release: Path, tmp_path: Path
) -> None:
    engine = Engine(runtime, tiny_release, tmp_path)
    good = engine.stored(exported_release)
    round_id = engine.rest_with(good)
    digest = read_manifest(exported_release)["digest"]
    for name, change in (
        (names.DECODER, lambda content: content[: len(content) // 2]),
        (names.WEIGHTS, lambda content: content[:-1]),
        (names.DECODER, _flipped),
        (names.WEIGHTS, _flipped),
    ):
        key = keys.release_key(digest, name)
        whole = runtime.storage.get(key)
        _stored_anew(runtime, key, change(whole))
        _refused(engine, engine.judge(round_id, good), "files")
        _stored_anew(runtime, key, whole)
    for harm, gate in ((not_numbers, "weights"), (other_shape, "files"), (other_weights, "files")):
        _refused(engine, engine.judge(round_id, engine.harmed(exported_release, harm)), gate)
    starter = engine.stored(names.STARTER)
    _refused(engine, engine.judge(round_id, starter), "architecture")
    forget = _leaked(engine)
    dishonest = engine.judge(round_id, good, done_steps=2, done_share=0.01, snapshot_digest="0" * 64)
    for gate in ("training", "snapshot", "held_out"):
        _refused(engine, dishonest, gate)
    forget()
    assert engine.judge(round_id, good).state == "promoted", "what is whole and no worse goes through the same gates"
    assert engine.pointer() == good
    with runtime.read() as session:
        assert [row.to_version_id for row in promotions.moves(session, engine.project)][-1] == good
        assert session.get_one(ModelVersion, starter).state == "candidate"


def _refused(engine: Engine, row: Round, gate: str) -> None:
    """Rejected for the reason expected; the pointer stays, even if a person insists."""
    assert (row.state, row.decision) == ("judged", "reject") and gate in failed(row), failed(row)
    with pytest.raises(Conflict) as refused, engine.runtime.write() as uow:
        promotions.promote(uow, row.id, None, "I insist")
    assert refused.value.code == "not_overridable"
    assert engine.pointer() == engine.active


def _flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) * 2 // 3] ^= 4
    return bytes(changed)


def _stored_anew(runtime: Runtime, key: str, content: bytes) -> None:
    """What is stored is never overwritten by the product."""
    runtime.storage.delete(key)
    assert runtime.storage.put(key, content)


def _leaked(engine: Engine) -> Callable[[], None]:
    """An earlier snapshot of the project says that held-out pictures were trained on; returns what takes it back."""
    storage = engine.runtime.storage
    with engine.runtime.read() as session:
        known = session.scalars(select(Snapshot).where(Snapshot.project_id == engine.project)).one()
    header, *lines = storage.get(known.storage_key).decode().splitlines()
    told = [json.dumps(json.loads(line) | {"held_out": False}) for line in lines]
    storage.put("snapshots/leaked", "\n".join([header, *told, ""]).encode())
    columns = {"image_count": IMAGES, "held_out_count": 0, "mask_count": 2 * IMAGES, "held_out_share": 0.0}
    leaked = Snapshot(project_id=engine.project, digest="f" * 64, storage_key="snapshots/leaked", **columns)
    with engine.runtime.write() as uow:
        uow.session.add(leaked)

    def forget() -> None:
        with engine.runtime.write() as uow:
            uow.session.delete(uow.session.get_one(Snapshot, leaked.id))

    return forget


# --- what learned the wrong thing -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter after it learned masks of other pictures, in other places: its files are whole, it is ruined."""
    import torch

    from segmenter.checkpoint import load_model
    from segmenter.config import TrainConfig
    from segmenter.export import write_release
    from segmenter.training.batches import Slot
    from segmenter.training.loop import train
    from segmenter.training.prompting import Prompting
    from segmenter.training.scenes import Sampler, Scene, scene_of

    recipe = TrainConfig("decoder", steps=25, images_per_step=4, masks_per_image=2, first_frame=128, threads=1)
    recipe = replace(recipe, synthetic_share=0.0, learning_rate=1e-2, ema=0.0)
    chance = random.Random(2)
    scenes: list[Scene] = []
    for number in range(1000, 1020):
        moved = [
            np.roll(mask, (chance.randrange(HEIGHT), chance.randrange(WIDTH)), (0, 1)) for mask in shapes(number)[1]
        ]
        scene = scene_of(shapes(2019 - number)[0], [("shuffled", mask) for mask in moved])
        assert scene is not None
        scenes.append(scene)
    folder = tmp_path_factory.mktemp("shuffled")
    torch.manual_seed(0)
    task = Prompting(load_model(names.STARTER / names.WEIGHTS), recipe)
    weights = train(task, [Slot(Sampler({"all": scenes}, recipe, chance), chance)], recipe, folder / "run")
    write_release(weights, "shuffled", "1", folder / "release", with_encoder=False)
    return folder / "release"


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_model_that_learned_shuffled_labels_is_rejected(runtime: Runtime, shuffled: Path, tmp_path: Path) -> None:
    engine = Engine(runtime, names.STARTER, tmp_path)
    candidate = engine.stored(shuffled)
    row = engine.judge(engine.rest_with(candidate), candidate)
    assert (row.state, row.decision) == ("judged", "reject")
    assert {"miou@1", "miou@3", "miou@5"} <= set(failed(row)), row.gate_report
    assert row.gate_report is not None and row.gate_report["overridable"], "its files are whole: the masks betray it"
    assert engine.pointer() == engine.active
