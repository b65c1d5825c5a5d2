"""The documents: what they point to exists, and the commands they name are real."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)", document.read_text(encoding="utf-8"))
    assert not [link for link in links if link and not (document.parent / link).exists()]


def test_every_screenshot_is_there_in_light_and_dark() -> None:
    names = {path.stem for path in (ROOT / "docs" / "screenshots").glob("*.webp")}
    pages = {name.rpartition("-")[0] for name in names}
    assert {"sign-in", "link-used", "not-found", "projects", "empty-project", "failed-image", "editor"} <= pages
    assert names == {f"{page}-{theme}" for page in pages for theme in ("light", "dark")}


def test_the_commands_in_the_user_guide_exist() -> None:
    guide = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`maskmill ([a-z]+)", guide))
    asked = subprocess.run(
        [sys.executable, "-m", "backend.main", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"serve", "worker", "import", "export", "segment"} <= named
    assert not [name for name in named if not re.search(rf"│ {name} ", asked.stdout)]
