"""Reports of proposals, instances and edges: the tables hold the figures of the metrics; what is absent is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segmenter.evaluate.instances import evaluate_instances
from segmenter.evaluate.proposals import evaluate_proposals
from segmenter.evaluate.report import write_report, write_reports
from segmenter.evaluate.report_edges import edge_sections
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_evaluate import tiny_model
from tests.segmenter.test_report import elements


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tables")
    folders, model = [write_coco(root / "a", images=2), write_coco(root / "b", images=1, name=None)], tiny_model(root)
    evaluate_proposals(folders, model, root / "out" / "proposals", grid=2)
    evaluate_instances(folders, model, root / "out" / "instances")
    return root / "out"


def cells(report: Path) -> list[str]:
    return [element.text or "" for element in elements(report) if element.tag == "td"]


def test_recall_is_told_by_set_method_and_size(out: Path) -> None:
    metrics = json.loads((out / "proposals" / "metrics.json").read_text())
    found = cells(write_report(out / "proposals"))
    for row in [*metrics["datasets"].values(), metrics["macro"]]:
        for method in (row, *row["baselines"].values()):
            values = [method["ar@10"], method["ar@1000"], *(one["ar@1000"] for one in method["by_size"].values())]
            assert {f"{value:.3f}" for value in values} <= set(found)
    assert {"shapes/dev", "b", "mean over the sets", "model", "felzenszwalb"} <= set(found)


def test_precision_is_told_with_and_without_the_second_pass(out: Path) -> None:
    metrics = json.loads((out / "instances" / "metrics.json").read_text())
    report = write_report(out / "instances")
    for row in metrics["datasets"].values():
        assert {f"{one[key]:.3f}" for one in (row, row["baselines"]["first_pass"]) for key in ("ap", "miou")} <= set(
            cells(report)
        )
    assert "model minus first pass" in report.read_text()
    shown = [element.attrib["alt"] for element in elements(report) if element.tag == "img"]
    assert {name.split(",")[0] for name in shown} == {"best", "worst"} and len(shown) == 6  # 6 masks, of 3 images


def test_several_tables_are_also_one_page(out: Path) -> None:
    whole = write_reports(out, ["proposals", "instances"]).read_text()
    assert "Object proposals: Average recall" in whole and "Masks in given boxes: Average precision" in whole
    assert (out / "proposals" / "report.html").is_file() and (out / "instances" / "report.html").is_file()


def judged(ods: float) -> dict[str, Any]:
    curve = {"columns": ["level", "recall", "precision", "f"], "rows": [[0.1, 0.9, 0.3, 0.45], [0.9, 0, 0, 0]]}
    return {"images": 3, "ods": ods, "ois": 0.5, "ap": 0.4, "r50": 0.25, "ods_level": 0.31, "curve": curve}


def test_published_edges_stay_apart_from_measured_ones() -> None:
    published = {"source": "Table 3", "rows": [{"method": "Canny (1986)", "ods": 0.6}]}
    datasets = {"x/val": {"methods": {"model": judged(0.456), "sobel": judged(0.321)}}}
    metrics = {"datasets": datasets, "published": published, "without_boundaries": ["other"]}
    measured, context, left_out = edge_sections(metrics)
    assert "0.456" in measured.parts[0] and "0.321" in measured.parts[0] and "Canny" not in "".join(measured.parts)
    assert (
        "<td>Canny (1986)</td><td>0.600</td><td>–</td>" in context.parts[0] and "Not measured here" in context.parts[0]
    )
    assert "other" in left_out.parts[0]


def test_given_edge_maps_have_a_section_of_their_own() -> None:
    (section,) = edge_sections(judged(0.726) | {"maps": "ucm.npz", "truth": "humans.npz"})
    assert section.title == "ucm.npz against humans.npz" and "0.726" in section.parts[0]
