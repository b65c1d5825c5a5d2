"""Settings: the only reader of the environment (variables `MASKMILL_*`); docs/settings.md lists them.

URLs choose the mode: a SQLite or PostgreSQL address, a directory or an S3 bucket, an embedded or a shared broker.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_CHECKOUT = Path(__file__).resolve().parent.parent


def default_data_dir() -> Path:
    """`data/` beside the sources in a checkout, else the user's data directory; never the current directory."""
    if (_CHECKOUT / "pyproject.toml").is_file() and os.access(_CHECKOUT, os.W_OK):
        return _CHECKOUT / "data"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "maskmill"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "maskmill"


class Settings(BaseSettings):
    """One immutable set of choices for one process."""

    model_config = SettingsConfigDict(env_prefix="MASKMILL_", env_ignore_empty=True, extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=default_data_dir, description="Where the embedded mode keeps everything")
    database_url: str = Field(default="", description="sqlite:///FILE or postgresql://...; default: a file in data_dir")
    storage_url: str = Field(
        default="", description="file:///DIR or s3://bucket/prefix?endpoint=...; default: in data_dir"
    )
    broker_url: str = Field(default="embedded", description="`embedded`, redis://... or filesystem://")
    host: str = Field(default="127.0.0.1", description="Address that `serve` listens on")
    port: int = Field(default=8600, ge=0, le=65535, description="Port that `serve` listens on; 0 = a free one")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Host names accepted beside loopback ones (JSON list)"
    )

    max_upload_bytes: int = Field(default=200 * 1024**2, gt=0, description="Largest single file that is accepted")
    max_request_bytes: int = Field(default=1024**3, gt=0, description="Largest upload request, all its files together")
    max_image_pixels: int = Field(default=100_000_000, gt=0, description="Largest height x width that is decoded")
    max_image_side: int = Field(default=32_768, gt=0, description="Longest side in pixels that is decoded")
    decode_memory_bytes: int = Field(
        default=4 * 1024**3, ge=256 * 1024**2, description="Address space of the process that decodes images"
    )
    decode_seconds: float = Field(default=120.0, gt=0, description="Decoding one image may take so long")

    job_lease_seconds: float = Field(
        default=60.0, gt=0.1, description="A worker that is silent for so long lost its job"
    )
    job_resend_seconds: float = Field(
        default=15.0, gt=0.05, description="A waiting job is announced again after so long, then twice so long ..."
    )
    worker_threads: int = Field(default=0, ge=0, description="Threads of the model in a worker; 0 = one per core")
    worker_precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="In which a worker computes; bfloat16 only where the machine gains by it"
    )
    release_dir: Path | None = Field(
        default=None, description="Model release served at the start; default: the shipped one"
    )

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        object.__setattr__(self, "data_dir", self.data_dir.expanduser().absolute())
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'maskmill.db'}")
        elif self.database_url.startswith(("postgresql://", "postgres://")):
            # The driver is ours to choose; people paste the plain address.
            rest = self.database_url.split("://", 1)[1]
            object.__setattr__(self, "database_url", f"postgresql+psycopg://{rest}")
        if not self.storage_url:
            object.__setattr__(self, "storage_url", (self.data_dir / "objects").as_uri())
        return self
