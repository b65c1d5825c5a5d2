"""Images over HTTP: upload of many files, paging, pixels, completeness, erasing."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from backend.storage import keys
from tests import make, pictures
from tests.web import Browser, draft

HALF = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nhalf'
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_upload_judges_every_file_by_itself(browser: Browser) -> None:
    project_id = browser.new_project()
    files = [
        ("files", ("day one/street.jpg", pictures.jpeg())),
        ("files", ("cut.png", pictures.png()[:60])),
        ("files", ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
        ("files", ("empty.jpg", b"")),
        ("files", ("huge.png", pictures.png_that_claims(30_000, 30_000))),
        ("files", ("again.jpg", pictures.jpeg())),
        ("files", ("last.tif", pictures.encoded(pictures.scene(seed=3), "TIFF"))),
    ]
    answer = browser.post(f"/api/projects/{project_id}/images", files=files)
    assert answer.status_code == 200
    report = answer.json()
    assert [image["file_name"] for image in report["accepted"]] == ["day one/street.jpg", "cut.png", "last.tif"]
    assert [image["position"] for image in report["accepted"]] == [0, 1, 2]
    assert [(refused["file_name"], refused["code"]) for refused in report["refused"]] == [
        ("drawing.svg", "unsupported_format"),
        ("empty.jpg", "empty"),
        ("huge.png", "too_many_pixels"),
    ]
    assert [image["id"] for image in report["duplicates"]] == [report["accepted"][0]["id"]]
    make.work_off(browser.runtime)
    states = {i["file_name"]: i["state"] for i in browser.get(f"/api/projects/{project_id}/images").json()["images"]}
    assert states == {"day one/street.jpg": "ready", "cut.png": "failed", "last.tif": "ready"}


def test_an_image_becomes_ready_with_size_and_digests(browser: Browser) -> None:
    project_id = browser.new_project()
    content = pictures.encoded(
        pictures.stored_turned(pictures.scene(), 6), "JPEG", quality=95, exif=pictures.turned_exif(6)
    )
    queued = browser.upload(project_id, turned_jpg=content)["accepted"][0]
    assert queued["state"] == "queued" and queued["height"] is None and queued["pixel_digest"] is None
    assert queued["file_digest"] == queued["group_key"] == hashlib.sha256(content).hexdigest()
    assert browser.get(f"/api/images/{queued['id']}/pixels").json()["error"] == "not_ready"
    make.work_off(browser.runtime)
    image = browser.get(f"/api/images/{queued['id']}").json()
    assert (image["state"], image["height"], image["width"]) == ("ready", pictures.HEIGHT, pictures.WIDTH)
    shown = browser.get(f"/api/images/{image['id']}/pixels")
    with Image.open(io.BytesIO(shown.content)) as decoded:
        assert decoded.size == (pictures.WIDTH, pictures.HEIGHT)


def test_a_broken_image_tells_why(browser: Browser) -> None:
    project_id = browser.new_project()
    image = browser.upload(project_id, cut_png=pictures.png()[:70])["accepted"][0]
    make.work_off(browser.runtime)
    failed = browser.get(f"/api/images/{image['id']}").json()
    assert failed["state"] == "failed" and "cut off" in failed["failure"]
    # The same bytes once more are tried once more.
    assert browser.upload(project_id, cut_png=pictures.png()[:70])["accepted"][0]["id"] == image["id"]


def test_a_file_beyond_the_limit_is_refused_and_the_next_one_is_taken(browser: Browser) -> None:
    limit = browser.runtime.settings.max_upload_bytes
    object.__setattr__(browser.runtime.settings, "max_upload_bytes", 3 * 1024 * 1024)
    try:
        report = browser.upload(browser.new_project(), big_png=b"\x89PNG\r\n\x1a\n" * 600_000, good_png=pictures.png())
    finally:
        object.__setattr__(browser.runtime.settings, "max_upload_bytes", limit)
    assert [(refused["code"], refused["file_name"]) for refused in report["refused"]] == [("too_large", "big.png")]
    assert [image["file_name"] for image in report["accepted"]] == ["good.png"]


@pytest.mark.parametrize("announced", [True, False])
def test_an_upload_beyond_the_limit_is_refused_whole(browser: Browser, announced: bool) -> None:
    """By its announced length at once, else as soon as too much has come."""
    project_id = browser.new_project()
    object.__setattr__(browser.runtime.settings, "max_request_bytes", 100_000)
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = head + pictures.png() + bytes(200_000) + b"\r\n--b--\r\n"
    content = body if announced else (body[start : start + 10_000] for start in range(0, len(body), 10_000))
    told = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = browser.post(f"/api/projects/{project_id}/images", content=content, headers=told)
    assert (answer.status_code, answer.json()["error"]) == (413, "request_too_large")
    assert "100000 bytes" in answer.json()["detail"]
    assert browser.get(f"/api/projects/{project_id}/images").json()["total"] == 0
    small = browser.upload(project_id, good_png=pictures.png())
    assert len(small["accepted"]) == 1
    assert list((browser.runtime.settings.data_dir / "incoming").iterdir()) == []


def test_nothing_of_an_upload_stays_behind_on_disk(browser: Browser) -> None:
    browser.upload(browser.new_project(), a_png=pictures.png(), b_svg=b"<svg/>")
    assert list((browser.runtime.settings.data_dir / "incoming").iterdir()) == []


def test_hundreds_of_files_in_one_request(browser: Browser) -> None:
    project_id = browser.new_project()
    report = browser.upload(project_id, **{f"n{number}_png": pictures.png(number, 6, 6) for number in range(200)})
    assert len(report["accepted"]) == 200 and report["refused"] == []
    first = browser.get(f"/api/projects/{project_id}/images", params={"limit": 150}).json()
    rest = browser.get(f"/api/projects/{project_id}/images", params={"limit": 150, "after": first["next"]}).json()
    assert (len(first["images"]), len(rest["images"]), first["total"], rest["next"]) == (150, 50, 200, None)
    names = [image["file_name"] for image in first["images"] + rest["images"]]
    assert names == [f"n{number}.png" for number in range(200)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.png", "etc/passwd.png"),
        ("/etc/cron.d/x.png", "etc/cron.d/x.png"),
        ("C:\\photos\\a.png", "a.png"),
        ("photos\\..\\a.png", "photos/a.png"),
        ("a/./b//c.png", "a/b/c.png"),
        ("invoice\u202egnp.png", "invoicegnp.png"),
        ("tab\tname.png", "tabname.png"),
        ("Ünïcödé ✓.png", "Ünïcödé ✓.png"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("..", "image"),
    ],
)
def test_names_become_plain_relative_paths(browser: Browser, given: str, kept: str) -> None:
    """SEC-12: a name is a label; what is stored is named by digest."""
    body = b'--b\r\nContent-Disposition: form-data; name="files"; filename="' + given.replace("\\", "\\\\").encode()
    body += b'"\r\nContent-Type: image/png\r\n\r\n' + pictures.png() + b"\r\n--b--\r\n"
    address = f"/api/projects/{browser.new_project()}/images"
    answer = browser.post(address, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.json()["accepted"][0]["file_name"] == kept


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"", "multipart/form-data", 415),
        (b"", "multipart/form-data; boundary=b", 400),
        (b"--b\r\n", "multipart/form-data; boundary=b", 400),
        (b"garbage", "multipart/form-data; boundary=b", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nhalf',
            "multipart/form-data; boundary=b",
            400,
        ),
        (b"--b\r\n" + b"X" * 20_000 + b": y\r\n\r\n--b--\r\n", "multipart/form-data; boundary=b", 400),
    ],
)
def test_malformed_uploads_are_refused_whole(browser: Browser, body: bytes, kind: str, status: int) -> None:
    project_id = browser.new_project()
    answer = browser.post(f"/api/projects/{project_id}/images", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "detail"}
    assert browser.get(f"/api/projects/{project_id}/images").json()["total"] == 0


def test_other_parts_than_files_are_ignored(browser: Browser) -> None:
    project_id = browser.new_project()
    files = [("other", ("a.png", pictures.png(1))), ("files", ("b.png", pictures.png(2)))]
    answer = browser.post(f"/api/projects/{project_id}/images", files=files, data={"note": "text"})
    assert [image["file_name"] for image in answer.json()["accepted"]] == ["b.png"]


def test_pixels_and_thumbnails_are_cached_for_ever_under_their_digest(browser: Browser) -> None:
    image = browser.new_image(browser.new_project())
    for name in ("pixels", "thumbnail"):
        address = f"/api/images/{image['id']}/{name}"
        named = browser.get(address, params={"d": image["pixel_digest"]})
        assert named.status_code == 200 and "immutable" in named.headers["cache-control"]
        assert int(named.headers["content-length"]) == len(named.content)
        plain = browser.get(address)
        assert plain.headers["cache-control"] == "private, no-cache" and plain.content == named.content
        again = browser.get(address, headers={"If-None-Match": named.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert browser.get(address, params={"d": "0" * 64}).status_code == 404
        assert browser.get(address, params={"d": "zz"}).status_code == 422
    with Image.open(io.BytesIO(browser.get(f"/api/images/{image['id']}/pixels").content)) as shown:
        np.testing.assert_array_equal(np.asarray(shown), pictures.scene())


def test_the_list_can_be_narrowed_to_a_state(browser: Browser) -> None:
    project_id = browser.new_project()
    empty, annotated, complete = (browser.new_image(project_id, seed) for seed in (1, 2, 3))
    failed = browser.upload(project_id, cut_png=pictures.png()[:70])["accepted"][0]
    make.work_off(browser.runtime)
    queued = browser.upload(project_id, new_png=pictures.png(9))["accepted"][0]
    browser.post(f"/api/images/{annotated['id']}/annotations", json=draft())
    browser.put(f"/api/images/{complete['id']}/complete", json={"complete": True})
    wanted = {
        "queued": [queued],
        "ready": [empty, annotated, complete],
        "failed": [failed],
        "empty": [empty],
        "annotated": [annotated],
        "complete": [complete],
    }
    for state, images in wanted.items():
        page = browser.get(f"/api/projects/{project_id}/images", params={"state": state}).json()
        assert [image["id"] for image in page["images"]] == [image["id"] for image in images], state
        assert page["total"] == len(images)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "after=x", "after=1.2", "state=erased", "state=", "after=-1." + UNKNOWN],
)
def test_bad_pages_are_refused(browser: Browser, query: str) -> None:
    answer = browser.get(f"/api/projects/{browser.new_project()}/images?{query}")
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "detail"}


def test_complete_is_said_and_taken_back_any_number_of_times(browser: Browser) -> None:
    image = browser.new_image(browser.new_project())
    for complete in (True, True, False, False, True):
        answer = browser.put(f"/api/images/{image['id']}/complete", json={"complete": complete})
        assert answer.status_code == 200 and answer.json()["complete"] is complete
    for body in ({}, {"complete": 1}, {"complete": "true"}, {"complete": True, "more": 1}):
        assert browser.put(f"/api/images/{image['id']}/complete", json=body).status_code == 422


def test_an_image_that_is_not_ready_cannot_be_complete(browser: Browser) -> None:
    image = browser.upload(browser.new_project(), a_png=pictures.png())["accepted"][0]
    answer = browser.put(f"/api/images/{image['id']}/complete", json={"complete": True})
    assert (answer.status_code, answer.json()["error"]) == (409, "not_ready")


def test_erasing_forgets_the_picture_but_not_another_image_with_the_same_pixels(browser: Browser) -> None:
    storage = browser.runtime.storage
    project_id, other_id = browser.new_project("one"), browser.new_project("two")
    image = browser.new_image(project_id)
    twin = browser.upload(other_id, same_tif=pictures.encoded(pictures.scene(), "TIFF"))["accepted"][0]
    make.work_off(browser.runtime)
    twin = browser.get(f"/api/images/{twin['id']}").json()
    assert twin["pixel_digest"] == image["pixel_digest"] and twin["file_digest"] != image["file_digest"]
    assert browser.delete(f"/api/images/{image['id']}").status_code == 204
    assert browser.delete(f"/api/images/{image['id']}").status_code == 204
    assert browser.get(f"/api/images/{image['id']}").status_code == 404
    assert browser.get(f"/api/projects/{project_id}/images").json()["total"] == 0
    assert not storage.exists(keys.file_key(image["file_digest"]))
    assert browser.get(f"/api/images/{twin['id']}/pixels").status_code == 200
    assert browser.delete(f"/api/images/{twin['id']}").status_code == 204
    assert not storage.exists(keys.pixels_key(image["pixel_digest"], "png"))
    assert not storage.exists(keys.thumbnail_key(image["pixel_digest"]))


def test_an_erased_image_comes_back_when_it_is_uploaded_again(browser: Browser) -> None:
    project_id = browser.new_project()
    image = browser.new_image(project_id)
    browser.delete(f"/api/images/{image['id']}")
    again = browser.upload(project_id, again_png=pictures.png())["accepted"][0]
    assert (again["id"], again["state"]) == (image["id"], "queued")
    make.work_off(browser.runtime)
    assert browser.get(f"/api/images/{image['id']}/pixels").status_code == 200


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/images/{}"),
        ("DELETE", "/api/images/{}"),
        ("GET", "/api/images/{}/pixels"),
        ("GET", "/api/images/{}/thumbnail"),
        ("PUT", "/api/images/{}/complete"),
        ("GET", "/api/images/{}/annotations"),
        ("POST", "/api/images/{}/annotations"),
        ("POST", "/api/projects/{}/images"),
    ],
)
def test_unknown_images_are_404(browser: Browser, method: str, address: str) -> None:
    body = {"complete": True} if method == "PUT" else draft() if "annotations" in address else None
    answer = browser.request(method, address.format(UNKNOWN), json=body if method in ("PUT", "POST") else None)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
