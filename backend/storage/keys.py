"""Names of stored objects. Everything is named by the digest of its content."""

from __future__ import annotations

import re

from backend.errors import Invalid

_SAFE_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_key(key: str) -> str:
    """The key itself if it is a relative path of plain names (no `..`, no hidden names), else Invalid."""
    if len(key) > 400 or not _SAFE_KEY.fullmatch(key):
        raise Invalid(f"not a storage key: {key[:80]!r}", code="bad_storage_key")
    return key


def check_digest(digest: str) -> str:
    """The digest itself if it is 64 lower-case hex digits, else Invalid."""
    if not _DIGEST.fullmatch(digest):
        raise Invalid("a digest has 64 hexadecimal digits", code="bad_digest")
    return digest


def file_key(file_digest: str) -> str:
    return f"files/{check_digest(file_digest)}"


def pixels_key(pixel_digest: str, suffix: str) -> str:
    """`suffix` is `jpg` or `png`."""
    return check_key(f"pixels/{check_digest(pixel_digest)}.{suffix}")


def thumbnail_key(pixel_digest: str) -> str:
    return f"thumbnails/{check_digest(pixel_digest)}.webp"


def embedding_key(encoder_digest: str, pixel_digest: str) -> str:
    return f"embeddings/{check_digest(encoder_digest)}/{check_digest(pixel_digest)}.safetensors"


def release_key(digest: str, file_name: str) -> str:
    return check_key(f"releases/{check_digest(digest)}/{file_name}")


def detector_key(digest: str) -> str:
    return f"detectors/{check_digest(digest)}.safetensors"


def export_key(export_id: str, digest: str) -> str:
    return check_key(f"exports/{export_id}/{check_digest(digest)}.zip")


def snapshot_key(digest: str) -> str:
    return f"snapshots/{check_digest(digest)}.jsonl"
