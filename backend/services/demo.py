"""The demo project: photographs that come inside the installed scikit-image wheel, so that no network is needed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from backend.errors import Unavailable
from backend.runtime import Runtime
from backend.services import accounts, images, projects

NAME = "Demo photographs"
DESCRIPTION = "Photographs that come with scikit-image. Hover over one, click, press Enter."
PHOTOGRAPHS = {
    "astronaut.png": "astronaut.png",
    "chelsea.png": "cat.png",
    "coffee.png": "coffee.png",
    "rocket.jpg": "rocket.jpg",
    "motorcycle_left.png": "motorcycle.png",
    "coins.png": "coins.png",
    "camera.png": "photographer.png",
    "cell.png": "cell.png",
    "ihc.png": "stained-tissue.png",
    "retina.jpg": "retina.jpg",
}
CATEGORIES = ("person", "animal", "vehicle", "thing")


def create(runtime: Runtime) -> str:
    """The id of the demo project, whose images take the way of every upload; whatever of it is there already stays.

    So a demo that was cut off half-way is made whole. Raises Unavailable when the pictures are not here.
    """
    folder = photographs_folder()
    limit = runtime.settings.max_upload_bytes
    files = [images.LocalFile(name, folder / source, limit) for source, name in PHOTOGRAPHS.items()]
    with runtime.write() as uow:
        actor_id = accounts.owner(uow).id
        project = projects.by_id_or_name(uow.session, NAME) or projects.create(uow, NAME, DESCRIPTION)
        known = {category.name for category in projects.categories_of(uow.session, project.id)}
        for category in CATEGORIES:
            if category not in known:
                projects.add_category(uow, project.id, category)
    images.take(runtime, project.id, actor_id, files)
    return project.id


def photographs_folder() -> Path:
    """Where scikit-image keeps its pictures, found without importing it."""
    spec = find_spec("skimage")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data"
        if all((folder / name).is_file() for name in PHOTOGRAPHS):
            return folder
    raise Unavailable("The photographs of scikit-image are not installed.", code="demo_missing")
