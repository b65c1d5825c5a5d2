"""Downloads against a real server on loopback: cut connections, mirrors that lie, files that are not the right one."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backend.download import download
from backend.errors import Invalid, Unavailable
from backend.official import OFFICIAL, OfficialCheckpoint

CONTENT = random.Random(0).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Mirror(ThreadingHTTPServer):
    """Serves CONTENT; ``cut_at`` ends each answer after so many bytes, ``ranges`` says whether it can go on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.cut_at, self.ranges, self.status = CONTENT, len(CONTENT), True, 200
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.pth"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        mirror, wanted = self.server, self.headers.get("Range")
        mirror.asked.append(wanted)
        if mirror.status != 200:
            self.send_error(mirror.status)
            return
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and mirror.ranges else 0
        if first >= len(mirror.content):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(mirror.content) - 1}/{len(mirror.content)}")
        self.send_header("Content-Length", str(len(mirror.content) - first))
        self.end_headers()
        self.wfile.write(mirror.content[first : first + mirror.cut_at])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetched(mirror: Mirror, target: Path) -> list[tuple[int, int]]:
    heard: list[tuple[int, int]] = []
    download(mirror.url, target, len(CONTENT), SHA256, lambda there, total: heard.append((there, total)))
    return heard


def test_a_file_comes_whole_and_progress_is_told(mirror: Mirror, tmp_path: Path) -> None:
    heard = fetched(mirror, tmp_path / "new" / "file.pth")
    assert (tmp_path / "new" / "file.pth").read_bytes() == CONTENT
    assert heard == sorted(heard) and heard[-1] == (len(CONTENT), len(CONTENT)) and len(heard) >= 3
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.pth"] and mirror.asked == [None]


def test_a_cut_connection_goes_on_where_it_ended(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cut_at = 1_200_000
    fetched(mirror, tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == CONTENT
    assert mirror.asked == [None, "bytes=1200000-", "bytes=2400000-"]


def test_a_later_call_goes_on_too(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:1_000_000])
    heard = fetched(mirror, tmp_path / "file.pth")
    assert mirror.asked == ["bytes=1000000-"] and heard[0][0] > 1_000_000
    assert (tmp_path / "file.pth").read_bytes() == CONTENT


def test_a_server_that_cannot_go_on_starts_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.ranges = False
    (tmp_path / "file.pth.part").write_bytes(b"x" * 1_000_000)
    fetched(mirror, tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == CONTENT


def test_a_connection_that_brings_nothing_is_given_up_but_what_came_stays(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:1_000_000])
    mirror.cut_at = 0
    with pytest.raises(Unavailable, match="broke off at 1000000 of 3000000 bytes; ask again"):
        fetched(mirror, tmp_path / "file.pth")
    assert (tmp_path / "file.pth.part").stat().st_size == 1_000_000


@pytest.mark.parametrize("content", [b"x" * len(CONTENT), CONTENT + b"more"], ids=["other", "longer"])
def test_another_file_is_not_kept(content: bytes, mirror: Mirror, tmp_path: Path) -> None:
    mirror.content, mirror.cut_at = content, len(content)
    with pytest.raises(Invalid, match="digest differs; nothing of it is kept"):
        fetched(mirror, tmp_path / "file.pth")
    assert not list(tmp_path.iterdir())


def test_a_shorter_file_is_given_up(mirror: Mirror, tmp_path: Path) -> None:
    mirror.content = CONTENT[:1_000_000]
    with pytest.raises(Unavailable, match="broke off"):
        fetched(mirror, tmp_path / "file.pth")
    assert len(mirror.asked) < 15


def test_what_cannot_be_reached_is_said(mirror: Mirror, tmp_path: Path) -> None:
    mirror.status = 404
    with pytest.raises(Unavailable, match="answers 404"):
        fetched(mirror, tmp_path / "file.pth")
    mirror.shutdown()
    mirror.server_close()
    with pytest.raises(Unavailable, match=r"cannot be reached: .*refused"):
        fetched(mirror, tmp_path / "file.pth")
    with pytest.raises(Invalid, match="no web address"):
        download("file:///etc/passwd", tmp_path / "x", 1, SHA256, lambda *_: None)
    assert not (tmp_path / "file.pth").exists()


def test_official_checkpoints_are_named_by_their_digest() -> None:
    assert set(OFFICIAL) == {"vit_b", "vit_l", "vit_h", "mobile_sam"}
    for known in OFFICIAL.values():
        assert known.url.startswith("https://") and known.licence == "Apache-2.0"
        assert len(bytes.fromhex(known.sha256)) == 32 and known.file_name.endswith((".pt", ".pth"))
    # Four bytes a value, and the zip around it (sam.md section 1.3).
    for name, payload in {"vit_b": 374_942_912, "vit_l": 1_249_372_352, "vit_h": 2_564_363_456}.items():
        assert 0 < OFFICIAL[name].size - payload < 250_000


@pytest.mark.slow
def test_a_known_checkpoint_is_pulled_checked_and_made_a_release(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command, for one more known checkpoint that is small and lies on the mirror."""
    from backend.commands.releases import pull_model
    from segmenter.checkpoint import save_official
    from segmenter.golden.models import rebuilt
    from segmenter.manifest import CARD, verify
    from tests.segmenter.golden import SMALL

    save_official(tmp_path / "tiny.pth", rebuilt(SMALL).state_dict(), SMALL)
    mirror.content = (tmp_path / "tiny.pth").read_bytes()
    mirror.cut_at = len(mirror.content) // 2 + 1
    known = OfficialCheckpoint(
        mirror.url, len(mirror.content), hashlib.sha256(mirror.content).hexdigest(), "Apache-2.0", "https://example.org"
    )
    monkeypatch.setitem(OFFICIAL, "tiny", known)
    pull_model("tiny", data=tmp_path / "data")
    folder = tmp_path / "data" / "releases" / "tiny"
    assert verify(folder)["frame"] == 256 and len(mirror.asked) == 2
    assert "the official checkpoint of https://example.org" in (folder / CARD).read_text()
    assert not list((tmp_path / "data" / "downloads").iterdir())
