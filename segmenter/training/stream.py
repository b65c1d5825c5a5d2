"""Reading shards for training: from front to back, shuffled, split among processes, and resumed to the image.

What is given when depends on the seed, the slot, and how many images were given before, on nothing else. So a place in
the stream is one number, and going on from there means to count, without reading, up to it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from segmenter.config import TrainConfig
from segmenter.training.entries import Place, SnapshotImage
from segmenter.training.scenes import FRUITLESS, Sampler, Scene, stored_scene
from segmenter.training.shards import read_shard
from segmenter.training.snapshot import Snapshot

BUFFER = 512  # encoded pictures in memory, of each reader; what is given next is drawn from them
POOL = 64  # scenes that are held in memory: to look at, and to paste objects and textures from
AHEAD = 8  # scenes that a loader process prepares before they are asked for
Ref = tuple[int, int]  # number of a shard, and of an image in it
Stored = tuple[SnapshotImage, bytes]


def sequence(images: Sequence[int], seed: int, slot: int, slots: int) -> Iterator[Ref]:
    """What one of ``slots`` readers reads of shards with so many ``images``: epoch after epoch its share of the shards.

    The order of shards is drawn anew for every epoch, and dealt out: together, readers see each image once an epoch.
    """
    for epoch in count():
        order = list(range(len(images)))
        random.Random(f"{seed}/{epoch}").shuffle(order)
        for shard in order[slot::slots]:
            for place in range(images[shard]):
                yield shard, place


class ShuffledShards:
    """An endless iterator over the training images of a sharded snapshot; ``None`` stands for an erased one.

    Shards are read from front to back into a buffer, from which chance takes. ValueError where the snapshot has no
    shards, or fewer than readers; InvalidSnapshot for a damaged one.
    """

    def __init__(self, snapshot: Snapshot, seed: int, slot: int, slots: int, buffer: int = BUFFER) -> None:
        shards = {name: images for name, images in snapshot.header.get("shards", {}).items() if "/train-" in name}
        if len(shards) < slots:
            raise ValueError(
                f"{snapshot.folder} has {len(shards)} shards to train on for {slots} readers; pack it into more"
            )
        self.snapshot, self.names, self.images = snapshot, list(shards), list(shards.values())
        self.seed, self.slot, self.slots = seed, slot, slots
        self.size = max(1, min(buffer, sum(self.images) // slots))
        self.seek(0)

    def seek(self, position: int) -> None:
        """Goes to where ``position`` images have been given."""
        self.position = position
        self._refs = sequence(self.images, self.seed, self.slot, self.slots)
        self._rng = random.Random(f"{self.seed}/{self.slot}/buffer")
        self._buffer = [next(self._refs) for _ in range(self.size)]
        for _ in range(position):
            self._buffer[self._rng.randrange(self.size)] = next(self._refs)
        self._stored: list[Stored | None] | None = None  # what the buffer refers to, once it is asked for
        self._reader: Iterator[tuple[Any, Place | None]] = iter(())
        self._next: Ref = -1, 0

    def __iter__(self) -> Iterator[Stored | None]:
        return self

    def __next__(self) -> Stored | None:
        if self._stored is None:
            self._stored = self._filled()
        taken = self._rng.randrange(self.size)
        given = self._stored[taken]
        self._buffer[taken] = next(self._refs)
        self._stored[taken] = self._read(self._buffer[taken])
        self.position += 1
        return given

    def _filled(self) -> list[Stored | None]:
        """Reads what the buffer refers to, each shard once, from front to back."""
        found = {ref: self._read(ref) for ref in sorted(set(self._buffer))}
        return [found[ref] for ref in self._buffer]

    def _read(self, ref: Ref) -> Stored | None:
        if ref[0] != self._next[0] or ref[1] < self._next[1]:
            file = self.snapshot.folder / self.names[ref[0]]
            self._reader, self._next = read_shard(file, self.images[ref[0]]), (ref[0], 0)
        while True:
            entry, place = next(self._reader)
            self._next = self._next[0], self._next[1] + 1
            if self._next[1] > ref[1]:
                return (entry, place.read()) if isinstance(entry, SnapshotImage) and place is not None else None


class _Scenes(IterableDataset[Scene | None]):
    """Scenes of one slot, prepared in as many processes as the loader has; ``None`` where there is nothing to learn."""

    def __init__(self, snapshot: Snapshot, seed: int, slot: int, slots: int, long_side: int, drawn: int) -> None:
        self.snapshot, self.seed, self.slot, self.slots = snapshot, seed, slot, slots
        self.long_side, self.drawn = long_side, drawn

    def __iter__(self) -> Iterator[Scene | None]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        stream = ShuffledShards(self.snapshot, self.seed, self.slot * workers + number, self.slots * workers)
        # The loader asks its processes in turn.
        stream.seek(self.drawn // workers + (number < self.drawn % workers))
        for stored in stream:
            yield None if stored is None else stored_scene(*stored, self.long_side)


def _as_it_is(scene: Any) -> Any:
    return scene


class StreamedSampler(Sampler):
    """Batches of crops as :class:`Sampler` draws them, from shards: each image is seen once an epoch, by one slot.

    Memory does not grow with the snapshot. Objects to paste and textures come from ``pool``, some of its scenes.
    ``loaders`` processes read and decode ahead; without any, reading waits for its turn.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        pool: Mapping[str, Sequence[Scene]],
        config: TrainConfig,
        rng: random.Random,
        slot: int,
        slots: int,
        long_side: int,
        loaders: int = 0,
    ) -> None:
        super().__init__(pool, config, rng)
        self.snapshot, self.slot, self.slots, self.long_side = snapshot, slot, slots, long_side
        self.loaders = loaders
        self.drawn = 0
        self._scenes: Iterator[Scene | None] | None = None  # opened when a scene is asked for

    def _opened(self) -> Iterator[Scene | None]:
        scenes = _Scenes(self.snapshot, self.config.seed, self.slot, self.slots, self.long_side, self.drawn)
        loader: DataLoader[Scene | None] = DataLoader(
            scenes,
            batch_size=None,
            collate_fn=_as_it_is,
            num_workers=self.loaders,
            prefetch_factor=AHEAD if self.loaders else None,
            multiprocessing_context="spawn" if self.loaders else None,
        )
        return iter(loader)

    def _drawn_scene(self) -> Scene:
        if self._scenes is None:
            self._scenes = self._opened()
        for scene in islice(self._scenes, FRUITLESS):
            self.drawn += 1
            if scene is not None:
                return scene
        raise ValueError(f"{FRUITLESS} images in a row hold no mask to learn from")

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"drawn": self.drawn, "loaders": self.loaders}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["loaders"] != self.loaders:
            raise ValueError(
                f"this run began with {state['loaders']} loader processes, which decide the order of images"
            )
        super().load_state_dict(state)
        self.drawn, self._scenes = state["drawn"], None
