"""The model version changes every few seconds while three people annotate: nothing is mixed, no mask names another.

Each decode says by which files it was made; each saved mask is made again by the version that it names.
"""

import json
import random
import threading
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import skimage.data
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import func, select

from backend.db.models import Annotation, Round
from backend.runtime import Runtime
from backend.services import accounts, model_versions
from segmenter import masks
from segmenter.manifest import DECODER, STARTER
from segmenter.prompts import Bitmap
from tests import make
from tests.e2e.pages import READY_MS, Grid, create_project
from tests.e2e.people import RECORD, Person, together
from tests.e2e.replay import Exported
from tests.e2e.serving import Server
from tests.releases import write_other_release

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SAME = 0.98  # IoU from which on two masks are one
SIZE = (240, 320)
PLACES = ((110.0, 90.0), (160.0, 120.0), (215.0, 145.0), (130.0, 165.0))
PEOPLE = ("Ada", "Bob", "Cleo")


@dataclass(frozen=True)
class Release:
    """A model version of the project and the decoder that it is, read from the files."""

    version_id: str
    exported: Exported

    @property
    def decoder_digest(self) -> str:
        return str(self.exported.manifest["files"][DECODER]["digest"])

    @property
    def encoder_digest(self) -> str:
        return str(self.exported.manifest["encoder_digest"])


@dataclass
class Swapper:
    """Promotes and rolls back by the API, in a thread of its own, and reopens what people completed."""

    server: Server
    runtime: Runtime
    project_id: str
    version_ids: list[str]
    every: float
    swaps: int = 0
    failures: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Swapper":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        order = [self.version_ids[place] for place in (1, 2, 0, 2, 1, 0)]
        served = {self.version_ids[0]}
        try:
            while not self._stop.wait(self.every):
                target = order[self.swaps % len(order)]
                if target not in served or self.swaps % 4 == 0:
                    self._promote(target)
                else:
                    body = {"reason": "to see", "to_version_id": target}
                    self.server.call("POST", f"/api/projects/{self.project_id}/rollback", body)
                served.add(target)
                self.swaps += 1
                self._reopen()
        except (urllib.error.HTTPError, OSError, ValueError) as error:
            self.failures.append(error)

    def _promote(self, version_id: str) -> None:
        """As a round leaves it that was trained and judged."""
        project = json.loads(self.server.call("GET", f"/api/projects/{self.project_id}"))
        with self.runtime.write() as uow:
            told = {"project_id": self.project_id, "number": self.swaps + 1, "state": "judged", "trigger": "admin"}
            told |= {"base_version_id": project["active_version_id"], "candidate_version_id": version_id}
            report = {"decision": "promote", "overridable": True}
            row = Round(**told, policy={}, decision="promote", gate_report=report)
            uow.session.add(row)
            uow.session.flush()
            round_id = row.id
        self.server.call("POST", f"/api/rounds/{round_id}/promote", {})

    def _reopen(self) -> None:
        images = json.loads(self.server.call("GET", f"/api/projects/{self.project_id}/images"))["images"]
        for image in images:
            if image["complete"]:
                self.server.call("PUT", f"/api/images/{image['id']}/complete", {"complete": False})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The starter, one with another decoder, one with another encoder and decoder."""
    folder = tmp_path_factory.mktemp("releases")
    other = write_other_release(folder / "decoder", STARTER, 1, decoder=0.3)
    both = write_other_release(folder / "both", STARTER, 2, decoder=0.3, encoder=0.1)
    return [STARTER, other, both]


def pictures(folder: Path, count: int) -> list[Path]:
    """Details of photographs, all of one size."""
    found = []
    for number in range(count):
        pixels = (skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea())[number % 3]
        shift = 10 * (number // 3)
        detail = Image.fromarray(pixels[shift:, shift:]).resize(SIZE[::-1])
        found.append(folder / f"picture-{number}.png")
        detail.save(found[-1])
    return found


@pytest.fixture
def behind(embedded: Server) -> Iterator[Runtime]:
    with embedded.behind() as runtime:
        yield runtime


def test_swaps_under_three_pages(
    embedded: Server, behind: Runtime, new_page: Callable[..., Page], folders: list[Path], tmp_path: Path
) -> None:
    swap(embedded, behind, new_page, folders, pictures(tmp_path, 4), masks_each=2, every=3.0)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_many_swaps_under_three_pages(
    embedded: Server, behind: Runtime, new_page: Callable[..., Page], folders: list[Path], tmp_path: Path
) -> None:
    swap(embedded, behind, new_page, folders, pictures(tmp_path, 12), masks_each=60, every=3.0)


def swap(
    server: Server,
    runtime: Runtime,
    new_page: Callable[..., Page],
    folders: list[Path],
    files: list[Path],
    masks_each: int,
    every: float,
) -> None:
    """Until every version has made `masks_each` masks."""
    project_id = project(server, new_page(), files)
    releases = register(runtime, folders)
    people = [person(server, runtime, new_page(), number, project_id) for number in range(len(PEOPLE))]
    version_ids = [release.version_id for release in releases]

    def enough() -> bool:
        assert not swapper.failures, swapper.failures
        made = saved_by_version(runtime, project_id)
        return swapper.swaps >= 2 * len(releases) and all(made[known] >= masks_each for known in version_ids)

    with Swapper(server, runtime, project_id, version_ids, every) as swapper:
        together(people, enough)
    decodes = [decode for one in people for decode in one.decodes()]
    saved = annotations(server, project_id)
    print(f"{swapper.swaps} swaps, {len(decodes)} decodes, {len(saved)} masks: {saved_by_version(runtime, project_id)}")
    compare_digests(decodes, releases)
    compare_masks(server, saved, releases)
    assert len(saved) == sum(one.saved for one in people)
    assert [one.troubles for one in people] == [[], [], []]


def project(server: Server, page: Page, files: list[Path]) -> str:
    """A project with images that are ready; its id."""
    server.sign_in(page)
    made = create_project(page, "Swapped versions")
    Grid(page).upload(files)
    Grid(page).wait_until_embedded([file.name for file in files])
    page.context.close()
    return made


def register(runtime: Runtime, folders: list[Path]) -> list[Release]:
    """The releases as versions of the project, the first one serving it; the others are candidates of rounds."""
    found = []
    for folder in folders:
        manifest = model_versions.store_release(runtime, folder)
        with runtime.write() as uow:
            version = model_versions.insert(uow, manifest, "candidate")
            found.append(Release(version.id, Exported.load(folder)))
    return found


def person(server: Server, runtime: Runtime, page: Page, number: int, project_id: str) -> Person:
    """Somebody with a name, signed in, who has opened an image."""
    with runtime.write() as uow:
        token = accounts.issue_login(uow, make.actor(uow, name=PEOPLE[number]).id)
    page.set_default_timeout(READY_MS)
    page.set_viewport_size({"width": 960, "height": 600})
    page.add_init_script(RECORD)
    page.goto(f"{server.home}/login?token={token}")
    page.goto(f"{server.home}/projects/{project_id}")
    page.get_by_test_id("image-card").nth(number).click()
    return Person(page, eager=number > 0, places=PLACES, chance=random.Random(number))


def saved_by_version(runtime: Runtime, project_id: str) -> Counter[str | None]:
    with runtime.read() as session:
        rows = session.execute(
            select(Annotation.model_version_id, func.count())
            .where(Annotation.project_id == project_id)
            .group_by(Annotation.model_version_id)
        )
        return Counter({row[0]: row[1] for row in rows})


def annotations(server: Server, project_id: str) -> list[dict[str, Any]]:
    """Every mask of the project as the API lists it, each with its image."""
    images = json.loads(server.call("GET", f"/api/projects/{project_id}/images"))["images"]
    found = []
    for image in images:
        listed = json.loads(server.call("GET", f"/api/images/{image['id']}/annotations"))["annotations"]
        found += [{**annotation, "image": image} for annotation in listed]
    return found


def compare_digests(decodes: list[dict[str, Any]], releases: list[Release]) -> None:
    """Decoder, embedding and version of every decode are of one release, and each release has answered."""
    whole = {(known.version_id, known.decoder_digest, known.encoder_digest) for known in releases}
    made = Counter((one["versionId"], one["decoderDigest"], one["encoderDigest"]) for one in decodes)
    assert set(made) == whole
    assert {one["name"] for one in decodes} == {"maskmill:decode", "maskmill:preview"}


def compare_masks(server: Server, saved: list[dict[str, Any]], releases: list[Release]) -> None:
    """Each saved mask is what the version that it names makes of its prompts; another version would be found out."""
    wrong, alike = [], 0
    for annotation in saved:
        drawn = masks.decode(annotation, SIZE)
        named = next(known for known in releases if known.version_id == annotation["model_version_id"])
        other = releases[(releases.index(named) + 1) % len(releases)]
        if overlap(drawn, again(server, named, annotation)) < SAME:
            wrong.append(annotation)
        alike += overlap(drawn, again(server, other, annotation)) >= SAME
    assert wrong == []
    assert alike < 0.2 * len(saved), f"{alike} of {len(saved)} masks do not tell the versions apart"


def again(server: Server, release: Release, annotation: dict[str, Any]) -> Bitmap:
    content = server.call("GET", f"/api/embeddings/{release.encoder_digest}/{annotation['image']['pixel_digest']}")
    return release.exported.mask(safetensors.numpy.load(content), SIZE, annotation)


def overlap(one: Bitmap, other: Bitmap) -> float:
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else float(np.array_equal(one, other))
