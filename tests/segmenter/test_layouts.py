"""Data sets in the layouts of their authors, made by hand: what becomes of them is what was drawn."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmenter import masks
from segmenter.data import annotation_mask, coco_images, read_picture
from segmenter.evaluate.datasets import PUBLISHED, absent, published_as, set_named
from segmenter.evaluate.layouts import prepare
from segmenter.evaluate.selection import SELECTIONS, tasks

SIZE = (40, 60)
FIRST, SECOND = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
FIRST[5:15, 10:30], SECOND[20:35, 25:50] = True, True


def picture(file: Path, value: int = 90) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.full((*SIZE, 3), value, np.uint8))


def drawn(folder: Path) -> list[tuple[str, list[np.ndarray]]]:
    return [
        (str(path.relative_to(folder / "images")), [annotation_mask(one) for one in labelled])
        for _, path, labelled in coco_images(folder, None)
    ]


def test_coco_keeps_ids_and_lvis_fields_and_reads_every_form_of_mask(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "val" / "a.png")
    polygon = [10, 5, 30, 5, 30, 15, 10, 15]
    content = {
        "images": [
            {
                "id": 77,
                "coco_url": "http://images/val/a.png",
                "file_name": "val/a.png",
                "height": 40,
                "width": 60,
                "neg_category_ids": [5],
            },
            {"id": 78, "file_name": "absent.png", "height": 40, "width": 60},
        ],
        "annotations": [
            {"id": 1, "image_id": 77, "category_id": 3, "segmentation": [polygon], "area": 200.0, "iscrowd": 0},
            {
                "id": 2,
                "image_id": 77,
                "category_id": 4,
                "segmentation": {"size": [40, 60], "counts": masks.runs_of(SECOND).tolist()},
            },
        ],
        "categories": [{"id": 3, "name": "cup", "frequency": "r"}, {"id": 4, "name": "pan"}],
    }
    (tmp_path / "labels.json").write_text(json.dumps(content))
    made = prepare(set_named("lvis"), tmp_path / "pics", tmp_path / "labels.json", tmp_path / "out")
    assert made == {"images": 1, "masks": 2}
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert written["info"]["dataset"] == "lvis" and written["categories"] == content["categories"]
    assert (written["images"][0]["id"], written["images"][0]["neg_category_ids"]) == (77, [5])
    ((name, (first, second)),) = drawn(tmp_path / "out")
    assert name == "val/a.png" and (first == FIRST).all() and (second == SECOND).all()
    (task,) = tasks(tmp_path / "out", None, None, SELECTIONS["paper"])
    assert read_picture(task.path).shape == (40, 60, 3) and task.record["id"] == 77


@pytest.mark.parametrize("colour", [False, True])
def test_label_pictures_give_a_mask_for_each_value_but_the_background(tmp_path: Path, colour: bool) -> None:
    picture(tmp_path / "pics" / "plant01_rgb.png"), picture(tmp_path / "pics" / "plant02_rgb.png")
    labels = np.zeros((*SIZE, 3) if colour else SIZE, np.uint8 if colour else np.uint16)
    labels[FIRST], labels[SECOND] = ((9, 0, 0), (0, 0, 9)) if colour else (300, 7)
    labels[39, 59] = 255
    (tmp_path / "labels").mkdir()
    cv2.imwrite(str(tmp_path / "labels" / "plant01_rgb_label.png"), labels)
    void = 0xFFFFFF if colour else 255
    made = prepare(set_named("ppdls"), tmp_path / "pics", tmp_path / "labels", tmp_path / "out", background=(0, void))
    ((name, found),) = drawn(tmp_path / "out")
    assert name == "plant01_rgb.png" and made == {"images": 1, "masks": 2}
    assert {mask.tobytes() for mask in found} == {FIRST.tobytes(), SECOND.tobytes()}


def test_a_folder_for_each_image_with_a_picture_for_each_mask(tmp_path: Path) -> None:
    root = tmp_path / "stage1_train"
    picture(root / "n1" / "images" / "n1.png")
    (root / "n1" / "masks").mkdir()
    for number, mask in enumerate((FIRST, SECOND)):
        cv2.imwrite(str(root / "n1" / "masks" / f"{number}.png"), mask.astype(np.uint8) * 255)
    prepare(set_named("bbbc038v1"), root, root, tmp_path / "out")
    ((name, found),) = drawn(tmp_path / "out")
    assert name == "n1/images/n1.png" and (found[0] == FIRST).all() and (found[1] == SECOND).all()


def test_frames_of_a_video_are_images_with_what_is_visible_in_them(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "v" / "1.jpg"), picture(tmp_path / "pics" / "v" / "2.jpg")
    shapes = [masks.encode(FIRST), None], [masks.encode(SECOND), masks.encode(SECOND)]
    content = {
        "videos": [{"id": 5, "height": 40, "width": 60, "file_names": ["v/1.jpg", "v/2.jpg"]}],
        "annotations": [
            {"id": i, "video_id": 5, "category_id": i, "segmentations": one} for i, one in enumerate(shapes)
        ],
    }
    (tmp_path / "v.json").write_text(json.dumps(content))
    prepare(set_named("ovis"), tmp_path / "pics", tmp_path / "v.json", tmp_path / "out")
    (_, first), (_, second) = drawn(tmp_path / "out")
    assert len(first) == 2 and len(second) == 1 and (second[0] == SECOND).all()


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "a.png")
    (tmp_path / "empty.json").write_text("{}"), (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="has no mask for the pictures"):
        prepare(set_named("lvis"), tmp_path / "pics", tmp_path / "empty.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="is no COCO file"):
        prepare(set_named("lvis"), tmp_path / "pics", tmp_path / "list.json", tmp_path / "out")
    with pytest.raises(FileExistsError, match="is not empty"):
        prepare(set_named("lvis"), tmp_path / "pics", tmp_path / "empty.json", tmp_path)
    with pytest.raises(ValueError, match="none of the published sets; there are ppdls"):
        set_named("imagenet")


def test_polygons_in_a_folder_are_refused_with_the_way_out(tmp_path: Path) -> None:
    picture(tmp_path / "x" / "images" / "a.png")
    entry = {"id": 1, "image_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]], "area": 40}
    images = [{"id": 1, "file_name": "a.png", "height": 40, "width": 60}]
    (tmp_path / "x" / "annotations.json").write_text(json.dumps({"images": images, "annotations": [entry]}))
    with pytest.raises(ValueError, match="no compressed run lengths; `maskmill evaluate prepare`"):
        list(tasks(tmp_path / "x", None, None, SELECTIONS["paper"]))


def test_the_registry_is_the_papers_table() -> None:
    assert len({one.slug for one in PUBLISHED}) == 23
    assert sum(one.images for one in PUBLISHED) == 40188 and sum(one.masks for one in PUBLISHED) == 172653
    assert all(one.page.startswith("http") and one.licence and one.advice for one in PUBLISHED)
    assert published_as("dsb2018/dev") == set_named("bbbc038v1") and published_as("bsds500/val") is None
    missing = absent(["lvis/val", "dsb2018/dev", "other"])
    assert len(missing) == 21 and not {"lvis", "bbbc038v1"} & {one["name"] for one in missing}
