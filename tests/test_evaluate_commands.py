"""`evaluate ...` on the command line: what it prints, and how it refuses bad input."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from backend.commands import one_value_each
from backend.errors import Invalid
from backend.main import command_line
from segmenter.evaluate.datasets import PUBLISHED
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_evaluate import tiny_model


def run(*words: str | Path) -> str:
    result = CliRunner().invoke(command_line(), ["evaluate", *map(str, words)])
    assert result.exception is None, result.output
    return result.output


def refused(*words: str | Path) -> str:
    failure = CliRunner().invoke(command_line(), ["evaluate", *map(str, words)]).exception
    assert isinstance(failure, Invalid)
    return failure.detail


def test_the_data_sets_are_listed_with_page_licence_and_place(tmp_path: Path) -> None:
    write_coco(tmp_path / "nuclei", images=1, name="dsb2018")
    everything, here = run("datasets"), run("datasets", "--data", tmp_path)
    for one in PUBLISHED:
        assert one.title in everything and one.page in everything and f"licence: {one.licence}" in everything
    assert f"here: {tmp_path / 'nuclei'}" in here and here.count("absent") == 22
    assert "no COCO folder" in refused("datasets", "--data", tmp_path / "nuclei" / "images")


def test_an_option_that_may_be_repeated_takes_several_values_at_once(tmp_path: Path) -> None:
    for name in ("dsb2018", "trashcan"):
        write_coco(tmp_path / name, images=1, name=name)
    folders = (tmp_path / "dsb2018", tmp_path / "trashcan")
    said = run("datasets", "--data", *folders)
    assert said == run("datasets", "--data", folders[0], "--data", folders[1]) and said.count("absent") == 21
    assert str(tmp_path / "nowhere") in refused("datasets", "--data", *folders, tmp_path / "nowhere")
    assert one_value_each(["--a=1", "2", "--b", "3", "--a", "4", "5", "--c"], {"--a"}) == [
        *("--a=1", "--a", "2", "--b", "3", "--a", "4", "--a", "5", "--c")
    ]


def test_clicks_end_with_what_is_absent_and_where_the_figures_are(tmp_path: Path) -> None:
    write_coco(tmp_path / "nuclei", images=2, name="dsb2018")
    words = ("--data", tmp_path / "nuclei", "--model", tiny_model(tmp_path), "--out", tmp_path / "out")
    said = run("clicks", *words, "--limit", "1", "--jobs", "1", "--no-baselines", "--protocol", "center", "--most", "9")
    assert "dsb2018/dev" in said and "best of three" in said and "evaluate datasets" in said
    assert (
        "BBBC038v1" not in said and "PPDLS" in said and str(tmp_path / "out" / "metrics.json") in said.replace("\n", "")
    )
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["macro"]["masks"] == 2 and len(metrics["absent"]) == 22 and list(metrics["protocols"]) == ["center"]
    assert "neither a file nor a release" in refused("clicks", *words[:2], "--model", "nosuch", "--out", tmp_path)


def test_proposals_and_instances_print_their_tables(tmp_path: Path) -> None:
    write_coco(tmp_path / "a", images=1, name="one")
    words = ("--data", tmp_path / "a", "--model", tiny_model(tmp_path), "--jobs", "1", "--out")
    said = run("proposals", *words, tmp_path / "p", "--grid", "2")
    assert "one/dev" in said and "macro" in said and "AR@1000" in said and "PPDLS" in said
    said = run("instances", *words, tmp_path / "i")
    assert "AP50" in said and "without the second pass" in said and (tmp_path / "i" / "masks.jsonl").is_file()
    assert "is not a list of detections" in refused("instances", *words, tmp_path / "x", "--boxes", _empty(tmp_path))


def _empty(folder: Path) -> Path:
    (folder / "boxes.json").write_text("{}")
    return folder / "boxes.json"


def test_a_downloaded_set_is_prepared_and_then_found(tmp_path: Path) -> None:
    source = write_coco(tmp_path / "source", images=2)
    said = run(
        "prepare",
        "lvis",
        "--annotations",
        source / "annotations.json",
        "--images",
        source / "images",
        "--out",
        tmp_path / "a",
    )
    assert "2 images, 4 masks" in said and "945 images, 9642 masks" in said and "Flickr" in said
    assert f"here: {tmp_path / 'a'}" in run("datasets", "--data", tmp_path / "a")
    again = ("prepare", "lvis", "--annotations", source / "annotations.json", "--images", source / "images")
    assert "is not empty" in refused(*again, "--out", tmp_path / "a")
    assert "none of the published sets" in refused("prepare", "imagenet", *again[2:], "--out", tmp_path / "b")
