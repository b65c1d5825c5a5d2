"""`serve`, `worker`, `migrate`: the processes of an installation."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import webbrowser
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.errors import Unavailable

if TYPE_CHECKING:
    from types import FrameType

    from backend.runtime import Runtime
    from backend.settings import Settings

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where everything is kept.")]


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(worker)
    app.command()(migrate)


def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.  [default: 8600]")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    data: Data = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="Make the demo project; by default if there is no project.")
    ] = None,
) -> None:
    """Start the web server and, in embedded mode, its worker; print an address that is already signed in."""
    settings = settings_with(port=port, host=host, data_dir=data)
    configure_log()
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(settings))
        # SIGTERM unwinds like Ctrl+C; uvicorn sends itself the signal again when it is done.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            _serve(settings, listener, demo, not no_browser, stack)


def worker(
    queues: Annotated[str, typer.Option("-Q", "--queues", help="Queues to take jobs from.")] = "cpu,gpu,train",
    data: Data = None,
) -> None:
    """Run one worker in the foreground; it does one job at a time, so start as many as the machine has room for."""
    if data is not None:
        os.environ["MASKMILL_DATA_DIR"] = str(data.absolute())
    configure_log()
    from workers.celery_app import work

    work(tuple(queue.strip() for queue in queues.split(",") if queue.strip()))


def migrate(data: Data = None) -> None:
    """Bring the database to this version's schema; safe to run from several machines at once."""
    import migrations
    from backend.db.session import engine_from_url

    engine = engine_from_url(settings_with(data_dir=data).database_url)
    migrations.upgrade(engine)
    typer.echo(f"The database is at revision {migrations.current(engine)}.")
    engine.dispose()


def settings_with(**options: Any) -> Settings:
    """The environment's settings, with the options that were given on top."""
    from backend.settings import Settings

    return Settings(**{name: value for name, value in options.items() if value is not None})


def configure_log() -> None:
    """One line per event on standard error; standard output is for answers."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _serve(settings: Settings, listener: socket.socket, demo: bool | None, browser: bool, stack: ExitStack) -> None:
    from backend.doorbell import EMBEDDED
    from backend.runtime import Runtime

    if settings.broker_url == EMBEDDED:
        from workers.embedded import Embedded

        embedded = Embedded(settings)
        embedded.hold()
        embedded.forget_unfinished()
        stack.callback(embedded.stop)
    runtime = Runtime.from_settings(settings)
    stack.callback(runtime.close)
    _prepare(runtime, demo)
    if settings.broker_url == EMBEDDED:
        embedded.start()  # after the migration, and while the web server still loads
    _run(runtime, listener, browser)


def _prepare(runtime: Runtime, demo: bool | None) -> None:
    """Schema, the shipped model release and, if wanted, the demo project."""
    import migrations

    if migrations.current(runtime.engine) != migrations.HEAD:
        typer.echo("Preparing the database ...", err=True)
        migrations.upgrade(runtime.engine)
    from backend.services import model_versions, projects

    model_versions.register_release(runtime, runtime.settings.release_dir or shipped_release())
    with runtime.read() as session:
        empty = not projects.any_exist(session)
    if demo or (demo is None and empty):
        typer.echo("Making the demo project ...", err=True)
        from backend.services import demo as demo_project

        demo_project.create(runtime)


def shipped_release() -> Path:
    """The folder of the starter release that comes with the code."""
    from importlib.resources import files

    return Path(str(files("segmenter") / "weights" / "starter"))


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        taken = f"{settings.host}:{settings.port} cannot be used ({error.strerror}); try --port 0 for a free port."
        raise Unavailable(taken, code="port_taken") from None


def _run(runtime: Runtime, listener: socket.socket, browser: bool) -> None:
    import uvicorn

    from backend.app import create_app
    from backend.services import accounts

    with runtime.write() as uow:
        token = accounts.issue_login(uow)
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared, not bound
    url = f"http://{shown}:{port}/login?token={token}"

    app = create_app(runtime)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.state.feed.closing = True  # open event streams end now, not after the grace period
            super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            typer.echo(f"Maskmill is ready: {url}")
            sys.stdout.flush()
            if browser:
                # In a thread: a browser of the terminal would hold up the server that it is to show.
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        proxy_headers=False,
    )
    Server(config).run(sockets=[listener])
