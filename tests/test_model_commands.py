"""`segment`, `evaluate`, `train` and `models` as they are typed, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from pycocotools import mask as oracle

from segmenter.manifest import STARTER, read_manifest
from tests.segmenter.test_data import write_coco


def maskmill(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from skimage.data import coffee

    path = tmp_path_factory.mktemp("photograph") / "coffee.jpg"
    image = Image.fromarray(coffee())
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: upright, the picture is 400 wide and 600 high
    image.save(path, exif=exif.tobytes())
    return path


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_clicks_and_a_box_give_ranked_upright_masks(photograph: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks.json"
    done = maskmill(
        "segment",
        "click",
        photograph,
        "--point",
        "200,300",
        "--point",
        "20,20,0",
        "--box",
        "50,80,390,520",
        "--out",
        out,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(out.read_text())
    assert answer["size"] == [600, 400] and len(answer["masks"]) == 3
    scores = [mask["predicted_iou"] for mask in answer["masks"]]
    assert scores == sorted(scores, reverse=True)
    for mask in [*answer["masks"], answer["single"]]:
        assert mask["segmentation"]["size"] == [600, 400]
        rle = {"size": [600, 400], "counts": mask["segmentation"]["counts"].encode()}
        assert oracle.decode(rle).shape == (600, 400)
    assert oracle.decode({"size": [600, 400], "counts": answer["single"]["segmentation"]["counts"].encode()})[300, 200]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--point", "400,10"], "lies outside the picture of 400 x 600"),
        (["--point", "a,b"], "a,b is not of the form"),
        (["--point", "5,5,7"], "the label of point 5,5 is 7, not one of -1, 0, 1, 2, 3"),
        (["--box", "10,10,10,40"], "empty or inverted"),
        ([], "at least one point or a box"),
        (["--point", "5,5", "--model", "nothing"], "neither a file nor a release folder"),
    ],
)
def test_bad_input_is_explained_in_one_line(photograph: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = maskmill("segment", "click", photograph, *arguments, "--out", tmp_path / "x.json")
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "x.json").exists()


def test_a_broken_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photograph")
    done = maskmill("segment", "click", tmp_path / "broken.jpg", "--point", "1,1", "--out", tmp_path / "x.json")
    assert done.returncode == 1 and done.stderr.startswith("maskmill: ") and "Traceback" not in done.stderr


def test_models_list_and_verify_name_the_starter() -> None:
    listed, verified = maskmill("models", "list"), maskmill("models", "verify")
    named = f"starter {read_manifest(STARTER)['version']}"
    assert listed.stdout.startswith(f"{named} ") and f"{named} is whole" in verified.stdout


def test_golden_numbers_are_judged_entry_by_entry(tmp_path: Path) -> None:
    committed = Path(__file__).parent / "golden" / "sam"
    done = maskmill("models", "golden", committed, "rle/polygons", "transforms/coords/3")
    assert done.returncode == 0, done.stderr
    assert "PASS  rle/polygons/star_1" in done.stdout and done.stdout.endswith("21 passed, 0 failed, 0 skipped\n")
    table = json.loads((committed / "rle.json").read_text())
    table["polygons"][0]["area"] += 1
    (tmp_path / "rle.json").write_text(json.dumps(table))
    done = maskmill("models", "golden", tmp_path, "rle/polygons")
    assert done.returncode == 1 and "FAIL  rle/polygons/square  area 400 instead of 401" in done.stdout
    assert "19 passed, 1 failed" in done.stdout
    done = maskmill("models", "golden", tmp_path, "vit_b")
    assert done.returncode == 1 and "SKIP  vit_b  no vit_b.json" in done.stdout


@pytest.mark.slow
def test_a_checkpoint_is_imported_and_converted_and_segments(
    photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from segmenter.checkpoint import save_official
    from segmenter.golden.models import rebuilt
    from tests.segmenter.golden import SMALL

    monkeypatch.setenv("MASKMILL_DATA_DIR", str(tmp_path / "data"))
    save_official(tmp_path / "tiny.pth", rebuilt(SMALL).state_dict(), SMALL)
    done = maskmill("models", "import", tmp_path / "tiny.pth", "--name", "mine", "--half")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "data" / "releases" / "mine"
    assert f"MASKMILL_RELEASE_DIR={folder} maskmill serve" in done.stdout
    assert "mine 1 is whole" in maskmill("models", "verify").stdout and str(folder) in maskmill("models", "list").stdout
    out = tmp_path / "masks.json"
    done = maskmill("segment", "click", photograph, "--point", "200,300", "--model", "mine", "--out", out)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["size"] == [600, 400]
    assert maskmill("models", "convert", "mine", tmp_path / "back.pth", "--frame", "160").returncode == 0
    table = torch.load(tmp_path / "back.pth", weights_only=True)
    assert table["image_encoder.pos_embed"].shape == (1, 10, 10, 96)
    assert {value.dtype for value in table.values()} == {torch.float32}


def test_without_a_network_the_way_out_is_said(tmp_path: Path) -> None:
    done = maskmill("models", "pull", "vit_b", "--url", "http://127.0.0.1:9/vit_b.pth", "--data", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "maskmill models import FILE --name vit_b" in done.stderr and "sam_vit_b_01ec64.pth: 375 MB" in done.stdout
    done = maskmill("models", "pull", "vit_x")
    assert done.returncode == 1 and "there are vit_b, vit_l, vit_h, mobile_sam" in done.stderr
    (tmp_path / "downloads").rmdir()
    (tmp_path / "downloads").write_bytes(b"no folder")
    done = maskmill("models", "pull", "vit_b", "--url", "http://127.0.0.1:9/vit_b.pth", "--data", tmp_path)
    assert done.returncode == 1 and "File exists" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "x.pth").write_bytes(b"no checkpoint")
    done = maskmill("models", "import", tmp_path / "x.pth", "--data", tmp_path)
    assert done.returncode == 1 and "x.pth is refused: " in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_train_calibrate_release_and_evaluate_from_the_command_line(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "shapes")
    trained = maskmill(
        "train",
        "--data",
        folder,
        "--out",
        tmp_path / "run",
        "--minutes",
        "0.05",
        "--threads",
        "1",
    )
    assert trained.returncode == 0, trained.stderr
    weights = tmp_path / "ranked" / "weights.safetensors"
    calibrate = ("calibrate", "--data", folder, "--init", tmp_path / "run" / "weights.safetensors")
    calibrated = maskmill(*calibrate, "--out", weights, "--release", tmp_path / "mine")
    assert calibrated.returncode == 0, calibrated.stderr
    assert weights.is_file() and "predicted IoU is off by" in calibrated.stdout
    refused = maskmill(*calibrate, "--out", tmp_path / "weights.txt")
    assert refused.returncode == 1 and ".safetensors, not weights.txt" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert maskmill("models", "verify", tmp_path / "mine").returncode == 0
    out = tmp_path / "figures"
    done = maskmill(
        "evaluate",
        "clicks",
        "--data",
        folder,
        "--model",
        tmp_path / "mine",
        "--out",
        out,
        "--limit",
        "2",
        "--jobs",
        "1",
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["datasets"]["shapes/dev"]["images"] == 2 and "grabcut" in metrics["macro"]["baselines"]
