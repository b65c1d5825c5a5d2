"""Checkpoints from elsewhere become releases that load, verify and say where they come from."""

from pathlib import Path

import pytest
import torch

from segmenter import manifest
from segmenter.build import build
from segmenter.checkpoint import InvalidCheckpoint, load_release, save_official
from segmenter.config import MODEL_CONFIGS
from segmenter.export import session
from segmenter.golden.models import rebuilt
from segmenter.importing import Origin, import_checkpoint
from segmenter.manifest import file_digest, find_weights, read_manifest, releases_in, verify
from segmenter.resolution import resized
from tests.security.hostile_checkpoints import HOSTILE
from tests.segmenter.golden import SMALL


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model in the official layout."""
    file = tmp_path_factory.mktemp("checkpoint") / "sam_small.pth"
    save_official(file, rebuilt(SMALL).state_dict(), SMALL)
    return file


@pytest.fixture(scope="module")
def release(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    origins = {file_digest(checkpoint): Origin("Apache-2.0", "https://example.org")}
    folder, _ = import_checkpoint(checkpoint, tmp_path_factory.mktemp("releases"), "mine", frame=160, origins=origins)
    return folder


@pytest.mark.slow
def test_an_imported_checkpoint_is_a_whole_release_at_the_wanted_frame(release: Path) -> None:
    described = verify(release)
    assert (described["name"], described["version"], described["frame"], described["logits"]) == ("mine", "1", 160, 40)
    assert described["embedding"] == {"image_embeddings": [256, 10, 10]}
    assert manifest.files_of(described) == ["decoder.onnx", "model.safetensors"]
    expected, config = resized(rebuilt(SMALL).state_dict(), SMALL, 160)
    loaded = load_release(release)
    assert loaded.model.config == config
    assert all(torch.equal(value, expected[name]) for name, value in loaded.model.state_dict().items()), (
        "full precision"
    )
    inputs = {given.name for given in session(release / manifest.DECODER).get_inputs()}
    assert {"image_embeddings", "point_coords"} <= inputs


@pytest.mark.slow
def test_it_is_found_by_name_and_tells_its_origin(release: Path, checkpoint: Path) -> None:
    assert releases_in(release.parent) == [release], "nothing else is left there"
    assert find_weights("mine", release.parent) == release / manifest.WEIGHTS
    card = (release / manifest.CARD).read_text(encoding="utf-8")
    assert file_digest(checkpoint) in card and "sam_small.pth" in card
    assert "the official checkpoint of https://example.org, licence Apache-2.0" in card
    assert "interpolated from a frame of 256" in card


@pytest.mark.slow
def test_a_release_is_never_replaced(release: Path, checkpoint: Path) -> None:
    before = read_manifest(release)
    with pytest.raises(FileExistsError, match="choose another name"):
        import_checkpoint(checkpoint, release.parent, "mine")
    assert read_manifest(release) == before


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", ""])
def test_names_that_are_no_folder_are_refused(name: str, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        import_checkpoint(checkpoint, tmp_path / "releases", name)
    assert not list(tmp_path.iterdir())


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    HOSTILE["os_system"](tmp_path / "x.pth", f"touch {tmp_path / 'canary'}")
    with pytest.raises(InvalidCheckpoint, match="refused"):
        import_checkpoint(tmp_path / "x.pth", tmp_path / "releases")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pth"]


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_vit_b_at_its_real_size(tmp_path: Path) -> None:
    config = MODEL_CONFIGS["vit_b"]
    file = tmp_path / "sam_vit_b.pth"
    save_official(file, build(config).state_dict(), config)
    folder, described = import_checkpoint(file, tmp_path / "releases")
    assert folder.name == described["name"] == "vit_b" and described["frame"] == 1024
    assert verify(folder) == described
    assert load_release(folder).model.config == config
