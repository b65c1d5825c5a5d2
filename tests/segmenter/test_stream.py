"""Reading shards: everything once an epoch, shuffled, dealt out to readers, and resumed to the image."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from segmenter.config import TrainConfig
from segmenter.training.batches import Batch
from segmenter.training.freezing import erase, find_images, freeze_snapshot, pack
from segmenter.training.scenes import snapshot_scenes
from segmenter.training.snapshot import Snapshot, open_snapshot
from segmenter.training.stream import ShuffledShards, StreamedSampler, sequence
from tests.segmenter.test_data import write_coco

RECIPE = TrainConfig(synthetic_share=0.2, paste_share=0.5)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """20 images in shards of one to three."""
    folder = tmp_path_factory.mktemp("stream")
    snapshot = freeze_snapshot(find_images([write_coco(folder / "data", images=20)], None), folder / "s", 0.0)
    return pack(snapshot, folder / "packed", 30_000)


def digests(stream: ShuffledShards, count: int) -> list[str]:
    return [stored[0].pixel_digest for stored in islice(stream, count) if stored is not None]


def same(first: Batch, second: Batch) -> bool:
    return np.array_equal(first.pictures, second.pictures) and np.array_equal(first.masks, second.masks)


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_readers_share_every_epoch_among_them(slots: int) -> None:
    images = [4, 1, 7, 3, 5]
    everything = sorted((shard, place) for shard, count in enumerate(images) for place in range(count))
    orders = []
    for epoch in range(3):
        seen = []
        for slot in range(slots):
            order = list(range(5))
            random.Random(f"9/{epoch}").shuffle(order)
            before = sum(sum(images[s] for s in _order(9, e)[slot::slots]) for e in range(epoch))
            mine = sum(images[shard] for shard in order[slot::slots])
            seen += list(islice(sequence(images, 9, slot, slots), before, before + mine))
        assert sorted(seen) == everything
        orders.append(tuple(shard for shard, place in seen if place == 0))
    assert len(set(orders)) > 1, "another order every epoch"


def _order(seed: int, epoch: int) -> list[int]:
    order = list(range(5))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return order


def test_a_buffer_shuffles_and_loses_nothing(packed: Snapshot) -> None:
    straight = digests(ShuffledShards(packed, 1, 0, 1, buffer=1), 40)
    assert Counter(straight[:20]) == Counter(straight[20:]) and len(set(straight)) == 20
    mixed = digests(ShuffledShards(packed, 1, 0, 1, buffer=8), 400)
    assert mixed[:20] != straight[:20]
    counts = Counter(mixed)
    assert len(counts) == 20 and min(counts.values()) > 14 and max(counts.values()) < 26


@pytest.mark.parametrize("position", [0, 1, 7, 20, 33])
def test_the_stream_goes_on_from_any_place(packed: Snapshot, position: int) -> None:
    for slot in (0, 1):
        whole = digests(ShuffledShards(packed, 5, slot, 2, buffer=6), 50)
        again = ShuffledShards(packed, 5, slot, 2, buffer=6)
        again.seek(position)
        assert digests(again, 50 - position) == whole[position:]


def test_readers_need_a_shard_each(packed: Snapshot) -> None:
    shards = len(packed.header["shards"])
    ShuffledShards(packed, 0, shards - 1, shards)
    with pytest.raises(ValueError, match=f"{shards} shards to train on for {shards + 1} readers"):
        ShuffledShards(packed, 0, 0, shards + 1)
    with pytest.raises(ValueError, match="0 shards"):
        ShuffledShards(open_snapshot(packed.folder.parent / "s"), 0, 0, 1)


def sampler(packed: Snapshot, loaders: int = 0, recipe: TrainConfig = RECIPE) -> StreamedSampler:
    pool = snapshot_scenes(packed, 96, 5)
    return StreamedSampler(packed, pool, recipe, random.Random(4), 0, 1, 96, loaders)


def test_batches_of_a_stream_show_every_image_and_resume(packed: Snapshot) -> None:
    plain = replace(RECIPE, synthetic_share=0.0, paste_share=0.0, augmentation="none")
    seen = sampler(packed, recipe=plain)
    pictures = {picture.tobytes() for _ in range(40) for picture in seen.batch(2, 2, 96).pictures}
    assert len(pictures) == 20 and seen.drawn == 80
    whole, begun, resumed = sampler(packed), sampler(packed), sampler(packed)
    batches = [whole.batch(2, 2, 64) for _ in range(6)]
    for batch in batches[:3]:
        assert same(begun.batch(2, 2, 64), batch)
    resumed.load_state_dict(begun.state_dict())
    for batch in batches[3:]:
        assert same(resumed.batch(2, 2, 64), batch)


@pytest.mark.slow
def test_loader_processes_give_what_they_would_give_without_a_break(packed: Snapshot) -> None:
    whole, resumed = sampler(packed, loaders=2), sampler(packed, loaders=2)
    batches = [whole.batch(2, 2, 64) for _ in range(3)]
    state = whole.state_dict()
    after = whole.batch(2, 2, 64)
    resumed.load_state_dict(state)
    assert same(resumed.batch(2, 2, 64), after) and not same(batches[0], after)
    with pytest.raises(ValueError, match="2 loader processes"):
        sampler(packed).load_state_dict(state)


def test_what_was_erased_is_passed_over(packed: Snapshot, tmp_path: Path) -> None:
    snapshot = pack(packed, tmp_path / "packed", 30_000)
    gone = next(snapshot.images("train"))[0].pixel_digest
    erase(snapshot, gone)
    stream = ShuffledShards(snapshot, 1, 0, 1, buffer=4)
    given = list(islice(stream, 200))
    assert None in given and gone not in {stored[0].pixel_digest for stored in given if stored is not None}
    for image, _ in list(snapshot.images("train")):
        erase(snapshot, image.pixel_digest)
    with pytest.raises(ValueError, match="no image with a mask"):
        sampler(snapshot)
    with pytest.raises(ValueError, match="images in a row hold no mask"):
        StreamedSampler(snapshot, {"pool": []}, replace(RECIPE, synthetic_share=0.0), random.Random(0), 0, 1, 96).batch(
            1, 1, 64
        )
