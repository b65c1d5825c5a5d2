"""A checkpoint from elsewhere as a release: recognised, brought to another frame where asked, checked, described."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from segmenter import manifest as names
from segmenter.checkpoint import Precision, load_any, model_of, save_weights
from segmenter.export import write_release
from segmenter.manifest import Manifest, file_digest
from segmenter.recognition import name_of
from segmenter.resolution import resized

CARD = """# {name} {version}

Imported from `{file}` (SHA-256 `{digest}`): {origin}.

| | |
|---|---|
| frame | {frame} pixels |
| mask logits | {logits} a side |
| precision of the weights | {precision} |
| files | {files} |

Nothing was trained or measured here{changed}.
"""


@dataclass(frozen=True)
class Origin:
    """Where a file is known to come from: its licence and home page."""

    licence: str
    home: str

    def __str__(self) -> str:
        return f"the official checkpoint of {self.home}, licence {self.licence}"


def import_checkpoint(
    file: Path,
    folder: Path,
    name: str | None = None,
    version: str = "1",
    frame: int | None = None,
    precision: Precision = "full",
    with_encoder: bool = False,
    origins: dict[str, Origin] | None = None,
) -> tuple[Path, Manifest]:
    """Makes the release folder ``folder``/name of a weights file; whole, or not at all.

    ``name`` is the recognised model's by default. ``origins`` says by SHA-256 which files are known. Returns the folder
    and its manifest. FileExistsError where there is such a release, InvalidCheckpoint for a file that holds no model.
    """
    target = None if name is None else _free(folder, name)  # before a large file is read for nothing
    state, config = load_any(file)
    before = config.frame
    if frame is not None:
        state, config = resized(state, config, frame)
    model_of(state, config)  # a file that does not fit is refused before anything is written
    target = target or _free(folder, name_of(config))
    name = target.name
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".importing-", dir=folder))
    try:
        weights = draft / "weights.safetensors"
        save_weights(weights, state, config, precision)
        del state
        manifest = write_release(weights, name, version, draft / name, precision, with_encoder)
        digest = file_digest(file)
        card = CARD.format(
            name=name,
            version=version,
            file=file.name,
            digest=digest,
            origin=(origins or {}).get(digest, "no file that is known here"),
            frame=config.frame,
            logits=config.logits,
            precision=precision,
            files=", ".join(f"`{one}`" for one in names.files_of(manifest)),
            changed="" if frame in (None, before) else f"; positions were interpolated from a frame of {before}",
        )
        (draft / name / names.CARD).write_text(card, encoding="utf-8")
        (draft / name).chmod(0o755)
        (draft / name).rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target, manifest


def _free(folder: Path, name: str) -> Path:
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a folder")
    if (folder / name).exists():
        raise FileExistsError(f"there is {folder / name} already; remove it, or choose another name")
    return folder / name
