"""The 23 data sets of the paper's point-to-mask table: where they are, under which licence, and what of them is used.

Splits, numbers of images and masks and pages are those of the paper's table 7; the paper blurs faces, which is left to
whoever prepares a set. None of them is downloaded by Maskmill: most ask their users to agree to terms. Licences were
written down in November 2026 as they are known; the page decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from segmenter.data import dataset_name, find_coco_folders

Layout = Literal["coco", "labels", "folders", "video"]


@dataclass(frozen=True)
class PublishedSet:
    """One set. ``layout`` is how it is published (see :mod:`segmenter.evaluate.layouts`), ``advice`` what to give to
    ``maskmill evaluate prepare``; ``also`` are other names under which a folder counts as this set."""

    slug: str
    title: str
    domain: str
    split: str
    images: int
    masks: int
    page: str
    licence: str
    layout: Layout
    advice: str
    also: tuple[str, ...] = ()


def set_named(name: str) -> PublishedSet:
    """The set of that slug; ValueError says which there are."""
    for one in PUBLISHED:
        if one.slug == name:
            return one
    raise ValueError(f"{name} is none of the published sets; there are {', '.join(one.slug for one in PUBLISHED)}")


def published_as(name: str) -> PublishedSet | None:
    """The published set that a folder's set name (``slug`` or ``slug/split``) stands for."""
    slug = name.partition("/")[0].lower()
    return next((one for one in PUBLISHED if slug in (one.slug, *one.also)), None)


def absent(names: Iterable[str]) -> list[dict[str, str]]:
    """The published sets that are not among the names, with what their users need to get them."""
    here = {one.slug for one in map(published_as, names) if one}
    return [
        {"name": one.slug, "title": one.title, "split": one.split, "page": one.page, "licence": one.licence}
        for one in PUBLISHED
        if one.slug not in here
    ]


def find_published(roots: Sequence[Path]) -> dict[str, list[Path]]:
    """The folders below the roots that hold a published set, by its slug."""
    found: dict[str, list[Path]] = {}
    for folder in find_coco_folders(roots):
        content = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
        if one := published_as(dataset_name(content, folder)):
            found.setdefault(one.slug, []).append(folder)
    return found


_COCO = "--annotations <instances JSON of the split> --images <its pictures>"
_LABELS = "--annotations <folder of label pictures> --images <folder of pictures>"

PUBLISHED: Final = (
    PublishedSet(
        *("ppdls", "PPDLS (leaf segmentation)", "plants", "all", 182, 2347),
        "https://www.plant-phenotyping.org/datasets-home",
        "for research, with citation (terms on the page)",
        "labels",
        f"{_LABELS} (*_label.png, one value a leaf)",
    ),
    PublishedSet(
        *("bbbc038v1", "BBBC038v1 (Data Science Bowl 2018)", "nuclei under the microscope", "stage1_train", 227, 10506),
        "https://bbbc.broadinstitute.org/BBBC038",
        "CC0 1.0",
        "folders",
        "--annotations <stage1_train, which holds pictures and masks>",
        ("dsb2018",),
    ),
    PublishedSet(
        *("doors", "DOORS", "boulders, synthetic", "DS1", 10000, 10000),
        "https://zenodo.org/records/7107409",
        "CC BY 4.0",
        "labels",
        f"{_LABELS} of data set 1",
    ),
    PublishedSet(
        *("timberseg", "TimberSeg 1.0", "logs", "all", 220, 2487),
        "https://data.mendeley.com/datasets/y5npsm3gkj",
        "CC BY 4.0",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("ndd20", "NDD20 (Northumberland dolphins)", "dolphins above and under water", "all", 4402, 6100),
        "https://doi.org/10.25405/data.ncl.c.4982342",
        "CC BY-NC-SA 4.0",
        "coco",
        f"{_COCO}; it is published as VIA projects, which the VGG annotator exports as COCO",
    ),
    PublishedSet(
        *("lvis", "LVIS v0.5", "scenes, long tail", "val", 945, 9642),
        "https://www.lvisdataset.org",
        "annotations CC BY 4.0; images are COCO's, with the terms of each Flickr user",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("streets", "STREETS", "traffic cameras", "all", 819, 9854),
        "https://databank.illinois.edu/datasets/IDB-3671567",
        "not known here: see the page",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("zerowaste", "ZeroWaste-f", "recycling", "train", 2947, 6155),
        "http://ai.bu.edu/zerowaste/",
        "CC BY-NC 4.0",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("ishape", "iShape", "irregular shapes", "val", 754, 9742),
        "https://ishape.github.io",
        "free for academic use (its page)",
        "coco",
        f"{_COCO}; prepare each of its six parts, then give --data the folder above them",
    ),
    PublishedSet(
        *("ade20k", "ADE20K", "scenes", "val", 302, 10128),
        "https://groups.csail.mit.edu/vision/datasets/ADE20K/",
        "annotations BSD-3-Clause; images for non-commercial research and education, after registration",
        "labels",
        f"{_LABELS} (one colour an instance)",
    ),
    PublishedSet(
        *("ovis", "OVIS", "video with occlusion", "train", 2044, 10011),
        "https://songbai.site/ovis/",
        "CC BY-NC-SA 4.0",
        "video",
        "--annotations <annotations_train.json> --images <folder of the frames>",
    ),
    PublishedSet(
        *("hypersim", "Hypersim", "indoor simulation", "volumes 1-55 without 20, 25, 40, 49", 338, 9445),
        "https://github.com/apple/ml-hypersim",
        "CC BY-SA 3.0",
        "labels",
        f"{_LABELS}, made from its HDF5 semantic_instance maps with its own tools",
    ),
    PublishedSet(
        *("ndispark", "NDISPark", "parking lots", "train", 111, 2577),
        "https://zenodo.org/records/6560823",
        "not known here: see the page",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("visor", "EPIC-KITCHENS VISOR", "kitchens, egocentric", "val", 1864, 10141),
        "https://epic-kitchens.github.io/VISOR/",
        "CC BY-NC 4.0",
        "coco",
        f"{_COCO}; its own script visor_to_coco makes the JSON",
    ),
    PublishedSet(
        *("plittersdorf", "Plittersdorf (SOCRATES)", "wildlife, stereo cameras", "all", 187, 546),
        "https://timm.haucke.xyz/datasets/plittersdorf",
        "not known here: see the page",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("egohos", "EgoHOS", "hands and objects, egocentric", "train, Ego4D and THU-READ only", 2940, 9961),
        "https://github.com/owenzlz/EgoHOS",
        "not known here: see the page; the pictures come from Ego4D and THU-READ, with their terms",
        "labels",
        f"{_LABELS} (label1)",
    ),
    PublishedSet(
        *("ibd", "IBD (InstanceBuilding)", "roofs from drones", "train, 2D", 467, 11953),
        "https://californiachen.github.io/datasets/InstanceBuilding",
        "not known here: see the page",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("woodscape", "WoodScape", "driving, fisheye", "set 1", 107, 10266),
        "https://woodscape.valeo.com/home",
        "Valeo's own terms: non-commercial research",
        "labels",
        f"{_LABELS}, drawn from its instance JSON with its own tools",
    ),
    PublishedSet(
        *("cityscapes", "Cityscapes (panoptic)", "driving", "val", 293, 9973),
        "https://www.cityscapes-dataset.com",
        "its own terms: non-commercial, after registration",
        "labels",
        f"{_LABELS} (cityscapes_panoptic_val)",
    ),
    PublishedSet(
        *("pidray", "PIDRay", "X-ray of baggage", "test, hard", 3733, 8892),
        "https://github.com/bywang2018/security-dataset",
        "CC BY-NC-SA 4.0",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("dram", "DRAM", "paintings, semantic", "test", 718, 1179),
        "https://faculty.runi.ac.il/arik/site/artseg/Dram-Dataset.html",
        "not known here: see the page",
        "labels",
        _LABELS,
    ),
    PublishedSet(
        *("trashcan", "TrashCan", "litter under water", "train, instance version", 5936, 9540),
        "https://conservancy.umn.edu/handle/11299/214865",
        "CC BY 4.0, as others report it; see the page",
        "coco",
        _COCO,
    ),
    PublishedSet(
        *("gtea", "GTEA (hand masks)", "hands, egocentric", "train", 652, 1208),
        "https://cbs.ic.gatech.edu/fpv/",
        "not known here: see the page",
        "labels",
        _LABELS,
    ),
)
