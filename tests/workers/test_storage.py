"""Both storages keep the same promises; the S3 one over real HTTP."""

import os
import threading
import time
from pathlib import Path

import pytest

from backend.errors import Invalid, NotFound, Unavailable
from backend.storage import keys
from backend.storage.base import Storage, storage_from_url
from backend.storage.local import LocalStorage
from tests import make


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        return storage_from_url(request.getfixturevalue("s3_url"))
    return storage_from_url((tmp_path / "a place").as_uri())


def test_what_is_put_is_got(storage: Storage, tmp_path: Path) -> None:
    key = keys.file_key(make.digest("a"))
    content = bytes(range(256)) * 8000
    assert not storage.exists(key)
    assert storage.put(key, content)
    assert storage.exists(key)
    assert storage.size(key) == len(content)
    assert storage.get(key) == content
    with storage.open(key) as file:
        file.seek(1_000_000)
        assert file.read(10) == content[1_000_000:1_000_010]
        assert file.tell() == 1_000_010
        file.seek(0)
        assert file.read() == content
    with storage.as_file(key) as path:
        assert path.read_bytes() == content
    source = tmp_path / "source"
    source.write_bytes(b"from a file")
    assert storage.put_file("exports/one.zip", source)
    assert not storage.put_file("exports/one.zip", source)
    assert storage.get("exports/one.zip") == b"from a file"


def test_the_first_writer_wins(storage: Storage) -> None:
    assert storage.put("files/x", b"first")
    assert not storage.put("files/x", b"second")
    assert storage.get("files/x") == b"first"


def test_one_of_many_writers_wins_whole(storage: Storage) -> None:
    contents = [bytes([number]) * 300_000 for number in range(8)]
    won: list[bool] = []
    threads = [
        threading.Thread(target=lambda content=content: won.append(storage.put("files/y", content)))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(won) == 1
    assert storage.get("files/y") in contents


def test_listing_and_deleting(storage: Storage) -> None:
    for key in ("thumbnails/a.webp", "thumbnails/b.webp", "pixels/a.png"):
        storage.put(key, b"x")
    assert sorted(storage.keys("thumbnails/")) == ["thumbnails/a.webp", "thumbnails/b.webp"]
    assert sorted(storage.keys("thumbnails/b")) == ["thumbnails/b.webp"]
    assert len(list(storage.keys())) == 3
    storage.delete("thumbnails/a.webp")
    storage.delete("thumbnails/a.webp")
    assert sorted(storage.keys("thumbnails/")) == ["thumbnails/b.webp"]


def test_what_is_missing_is_not_found(storage: Storage) -> None:
    for ask in (storage.get, storage.open, storage.size):
        with pytest.raises(NotFound):
            ask("files/nothing")
    with pytest.raises(NotFound), storage.as_file("files/nothing"):
        pass


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".hidden", "a/.b", "a\\b", "a/b\n", "é"]
)
def test_unsafe_keys_are_refused(storage: Storage, key: str) -> None:
    for attempt in (storage.get, storage.delete, storage.open, lambda key: storage.put(key, b"x")):
        with pytest.raises(Invalid):
            attempt(key)


def test_unfinished_files_are_not_listed_and_leave_no_trace(tmp_path: Path) -> None:
    storage = storage_from_url(tmp_path.as_uri())
    with pytest.raises(TypeError):
        storage.put("files/z", "not bytes")  # type: ignore[arg-type]  # the error is the test
    assert list(storage.keys()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_abandoned_files_go_and_fresh_ones_stay(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("files/x", b"kept")
    folder = tmp_path / ".unfinished"
    assert list(folder.iterdir()) == [], "a finished write leaves nothing"
    for name, age in (("old", 7200), ("new", 10)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    assert list(storage.keys()) == ["files/x"]
    storage.forget_unfinished()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert storage.get("files/x") == b"kept"


def test_a_store_that_is_away_is_unavailable() -> None:
    storage = storage_from_url("s3://bucket?endpoint=http://127.0.0.1:1&access_key_id=a&secret_access_key=b")
    with pytest.raises(Unavailable):
        storage.get("files/x")


def test_unknown_addresses_are_refused() -> None:
    for url in ("ftp://somewhere/x", "s3://", "s3://bucket?colour=red"):
        with pytest.raises(Invalid):
            storage_from_url(url)
