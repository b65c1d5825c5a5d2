"""docker-compose.yml against the published schema and against the code: no engine is needed, and none is started."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def schema_check(path: Path) -> subprocess.CompletedProcess[str]:
    code = "from check_jsonschema import main; main()"
    arguments = [sys.executable, "-c", code, "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_the_file_keeps_the_compose_schema() -> None:
    checked = schema_check(COMPOSE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_schema_check_sees_a_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text(encoding="utf-8").replace("    ports:", "    prots:"), encoding="utf-8")
    assert schema_check(broken).returncode != 0


def test_every_service_of_the_distributed_mode_is_there(services: dict[str, Any]) -> None:
    assert set(services) == {"database", "broker", "objects", "migrate", "api", "worker", "trainer"}
    for service in services.values():
        for other in service.get("depends_on", {}):
            assert other in services


def test_only_the_api_is_reachable_and_only_from_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8600:8600"]}
    assert [name for name, service in services.items() if "outside" in service["networks"]] == ["api"]


def test_the_broker_asks_for_a_password_and_keeps_its_messages(services: dict[str, Any]) -> None:
    command = services["broker"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--requirepass"].startswith("${REDIS_PASSWORD:?")
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_no_secret_is_written_in_the_file() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert asked == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "OBJECTS_PASSWORD"}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert asked <= set(re.findall(r"^([A-Z_]+)=$", example, re.M))


def test_the_settings_understand_what_the_file_gives_them(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from backend.settings import Settings

    monkeypatch.setenv("MASKMILL_DATA_DIR", str(tmp_path))
    given = {name: value for name, value in services["api"]["environment"].items() if name.startswith("MASKMILL_")}
    for name, value in given.items():
        monkeypatch.setenv(name, re.sub(r"\$\{[A-Z_]+(?::-)?([^}?]*)(?::\?[^}]*)?\}", r"\1", value) or "secret")
    settings = Settings()
    assert {name.removeprefix("MASKMILL_").lower() for name in given} <= set(Settings.model_fields)
    assert settings.database_url.startswith("postgresql")
    assert settings.storage_url.startswith("s3://maskmill/?endpoint=http://objects:7070")
    assert settings.allowed_hosts == tuple(json.loads("[]"))


def test_the_image_starts_commands_that_exist(services: dict[str, Any]) -> None:
    for name in ("migrate", "api", "worker", "trainer"):
        program, command = services[name]["command"][:2]
        assert program == "maskmill"
        asked = subprocess.run(
            [sys.executable, "-m", "backend.main", command, "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        for option in services[name]["command"][2:]:
            if option.startswith("--"):
                assert option in asked.stdout


def test_the_image_copies_every_package() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for package in ("backend", "workers", "segmenter", "migrations", "benchmarks"):
        assert f"COPY {package} ./{package}" in dockerfile
