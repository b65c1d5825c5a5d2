"""The whole product once, as somebody meets it: upload, click, choose, accept, reload, mend, export."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import pytest
from playwright.sync_api import Page, expect

from segmenter import masks
from segmenter.prompts import Bitmap
from tests.e2e.pages import Editor, Grid, create_project
from tests.e2e.photographs import Photograph
from tests.e2e.replay import Torch
from tests.e2e.serving import Server

pytestmark = pytest.mark.e2e

Saved = dict[str, list[dict[str, Any]]]  # annotations by the file name of their image

CASES = [
    pytest.param("embedded", True, id="embedded-threads"),
    pytest.param("embedded", False, id="embedded-one-thread"),
    pytest.param("distributed", True, id="distributed"),
]


@pytest.mark.parametrize(("mode", "isolated"), CASES)
def test_from_photographs_to_a_data_set(
    mode: str,
    isolated: bool,
    request: pytest.FixtureRequest,
    new_page: Callable[..., Page],
    some_photographs: list[Photograph],
    broken_file: Path,
    torch_model: Torch,
    tmp_path: Path,
) -> None:
    server: Server = request.getfixturevalue(mode)
    page = new_page(isolated=isolated)
    troubles = listen_for_trouble(page)
    server.sign_in(page)
    name = f"First light, {mode}, {'threads' if isolated else 'one thread'}"
    project_id = create_project(page, name)

    upload(page, some_photographs, broken_file)
    for photograph in some_photographs:
        annotate(page, photograph, isolated)
    before = annotations(page, server, project_id)
    mend(page, some_photographs[0])
    delete_and_undo(page)

    saved = annotations(page, server, project_id)
    assert sorted(len(of_image) for of_image in saved.values()) == [2, 2, 2]
    compare_with_torch(saved, before, some_photographs, torch_model)
    archive = export(page, server, project_id)
    check_archive(archive, saved)
    check_command_line(server, name, archive, tmp_path)
    assert troubles == []


def listen_for_trouble(page: Page) -> list[str]:
    """Errors of the page and requests to anywhere but this machine."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"error in the page: {error}"))
    page.on("console", lambda line: troubles.append(f"console: {line.text}") if line.type == "error" else None)

    def look(address: str) -> None:
        if not re.match(r"(https?://127\.0\.0\.1[:/]|data:|blob:)", address):
            troubles.append(f"request to {address}")

    page.on("request", lambda request: look(request.url))
    return troubles


def upload(page: Page, some: list[Photograph], broken: Path) -> None:
    grid = Grid(page)
    grid.upload([*(photograph.path for photograph in some), broken])
    refused = page.get_by_test_id("upload-refusal")
    failed = page.locator(f'[data-testid="image-card"][data-file-name="{broken.name}"][data-state="failed"]')
    expect(refused.or_(failed).first).to_be_visible()
    grid.wait_until_embedded([photograph.path.name for photograph in some])


def annotate(page: Page, photograph: Photograph, isolated: bool) -> None:
    """Two masks: one by a click and another candidate, one by a click, a correction and a box."""
    project = page.url
    editor = Grid(page).open(photograph.path.name)
    check_threads(editor, isolated)

    first, second = photograph.points
    editor.hover(*first)
    editor.click(*first)
    expect(editor.candidates()).to_have_count(3)
    chosen = editor.selected_candidate()
    assert chosen in (1, 2, 3)
    page.keyboard.press("Tab")
    assert editor.selected_candidate() != chosen
    picked = editor.draft()
    editor.accept()
    expect(editor.rows()).to_have_count(1)

    editor.click(*second)
    editor.click(second[0] + 25, second[1] + 25, label=0)
    editor.accept()
    expect(editor.rows()).to_have_count(2)
    editor.wait_until_saved()

    page.reload()
    editor.wait_until_ready()
    expect(editor.rows()).to_have_count(2)
    assert picked.any()
    page.goto(project)


def check_threads(editor: Editor, isolated: bool) -> None:
    """Several threads where the page is isolated, one where it is not."""
    assert editor.page.evaluate("crossOriginIsolated") is isolated
    if isolated and editor.threads == 1:
        # On a busy machine threads may start so late that the page takes one; once more, with everything in its cache.
        editor.page.reload()
        editor.wait_until_ready()
    assert (editor.threads > 1) is isolated


def mend(page: Page, photograph: Photograph) -> None:
    """Select a saved mask, add a click, accept: the new mask replaces the old one."""
    editor = Grid(page).open(photograph.path.name)
    row = editor.rows().first
    replaced = row.get_attribute("data-annotation-id")
    editor.select(row)
    x, y = photograph.points[0]
    editor.click(x + 8, y + 8)
    editor.accept()
    expect(editor.rows()).to_have_count(2)
    expect(page.locator(f'[data-testid="mask-row"][data-annotation-id="{replaced}"]')).to_have_count(0)
    editor.wait_until_saved()


def delete_and_undo(page: Page) -> None:
    editor = Editor(page)
    editor.select(editor.rows().first)
    page.keyboard.press("Delete")
    expect(editor.rows()).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(editor.rows()).to_have_count(2)
    editor.wait_until_saved()


def annotations(page: Page, server: Server, project_id: str) -> Saved:
    """What the server holds, by file name."""
    images = page.request.get(f"{server.home}/api/projects/{project_id}/images").json()["images"]
    found = {}
    for image in images:
        if image["state"] == "ready":
            answer = page.request.get(f"{server.home}/api/images/{image['id']}/annotations").json()
            found[image["file_name"]] = answer["annotations"]
    return found


def compare_with_torch(saved: Saved, before: Saved, some: list[Photograph], torch_model: Torch) -> None:
    """The mask that the browser saved is the one that torch computes for the same prompts."""
    earlier = {one["id"]: one for of_image in before.values() for one in of_image}
    mended = 0
    for photograph in some:
        for annotation in saved[photograph.path.name]:
            replaced = earlier.get(annotation["supersedes_id"])
            mended += replaced is not None
            theirs = torch_model.mask(photograph.path, annotation, replaced and mask_of(replaced))
            ours = mask_of(annotation)
            agreement = (ours & theirs).sum() / max((ours | theirs).sum(), 1)
            assert agreement >= 0.99, f"{photograph.path.name}: IoU {agreement:.4f} with torch"
    assert mended == 1


def mask_of(annotation: dict[str, Any]) -> Bitmap:
    size = tuple(annotation["size"])
    return np.asarray(masks.decode({"size": annotation["size"], "counts": annotation["counts"]}, size))


def export(page: Page, server: Server, project_id: str) -> bytes:
    page.goto(f"{server.home}/projects/{project_id}")
    page.get_by_test_id("export-button").first.click()
    page.get_by_test_id("start-export").click()
    link = page.get_by_test_id("export-download").first
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        link.click()
    return Path(download.value.path()).read_bytes()


def check_archive(archive: bytes, saved: Saved) -> None:
    """pycocotools reads every mask, and each is exactly one that the server holds."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        content = json.loads(opened.read("annotations.json"))
        manifest = json.loads(opened.read("manifest.json"))
    names = {image["id"]: image["file_name"] for image in content["images"]}
    exported = {name: set() for name in saved}
    for annotation in content["annotations"]:
        decoded = pycocotools.mask.decode(annotation["segmentation"])
        assert list(decoded.shape) == annotation["segmentation"]["size"]
        assert int(decoded.sum()) == annotation["area"] > 0
        assert annotation["bbox"] == box_of(decoded)
        assert annotation["iscrowd"] == 0
        exported[Path(names[annotation["image_id"]]).name].add(annotation["segmentation"]["counts"])
    assert exported == {name: {one["counts"] for one in of_image} for name, of_image in saved.items()}
    assert manifest["counts"]["annotations"] == len(content["annotations"])


def box_of(decoded: np.ndarray) -> list[float]:
    rows, columns = np.flatnonzero(decoded.any(1)), np.flatnonzero(decoded.any(0))
    x, y = float(columns[0]), float(rows[0])
    return [x, y, float(columns[-1]) + 1 - x, float(rows[-1]) + 1 - y]


def check_command_line(server: Server, project: str, archive: bytes, folder: Path) -> None:
    """`maskmill export` writes the same annotations as the page's archive."""
    server.command("export", project, "--format", "coco-rle", "--out", str(folder / "masks.json"))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        from_page = json.loads(opened.read("annotations.json"))
    from_command = json.loads((folder / "masks.json").read_text(encoding="utf-8"))
    assert from_command["annotations"] == from_page["annotations"]
    assert from_command["images"] == from_page["images"]
