"""The files of the container stack hold together with the code, without any container."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from services.inference.api import API as INFERENCE
from services.ingest.api import API as INGEST
from services.trainer.api import API as TRAINER
from shared.http.app import Api
from shared.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
NGINX = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
APIS = (INGEST, TRAINER, INFERENCE)
NOT_FOR_CONTAINERS = {"PORT", "MODELS_DIR"}
"""The port is nginx's there, and the shipped models lie in the image."""


class Door:
    """The part of nginx.conf that says which service answers, read as nginx reads it."""

    def __init__(self, text: str) -> None:
        blocks = re.findall(r"^ {8}location ((?:=|~) )?(\S+) \{\n(.*?)^ {8}\}", text, re.MULTILINE | re.DOTALL)
        self.blocks: list[tuple[str, str, str]] = [(kind.strip(), pattern, body) for kind, pattern, body in blocks]

    def block(self, path: str) -> str:
        """An exact path goes first, then the first pattern that fits, then the rest."""
        for wanted in ("=", "~"):
            for kind, pattern, body in self.blocks:
                if kind == wanted and (path == pattern if kind == "=" else re.search(pattern, path)):
                    return body
        return next(body for kind, pattern, body in self.blocks if (kind, pattern) == ("", "/"))

    def service(self, path: str) -> str:
        found = re.search(r"proxy_pass \$(\w+);", self.block(path))
        return found[1] if found else ""


def routes() -> list[tuple[Api, str]]:
    return [
        (api, re.sub(r"\{[^}]+\}", "x", route.path))
        for api in APIS
        for router in api.routers
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


@pytest.mark.parametrize(("api", "path"), routes(), ids=lambda value: value if isinstance(value, str) else value.name)
def test_nginx_takes_every_route_to_its_service(api: Api, path: str) -> None:
    assert Door(NGINX).service(path) == api.name


def test_nginx_lets_uploads_in_where_the_services_do_and_nowhere_else() -> None:
    door = Door(NGINX)
    wide = {path for _, path in routes() if "client_max_body_size @MAX_UPLOAD_MB@m;" in door.block(path)}
    assert wide == {path for api in APIS for path in api.uploads}
    assert all(f"{path} @MAX_UPLOAD_MB@;" in NGINX for path in wide), "the error names the limit"
    wider = {path for _, path in routes() if "client_max_body_size @ANALYSIS_MAX_UPLOAD_MB@m;" in door.block(path)}
    assert wider == {path for api in APIS for path in api.uploads_of_many}
    assert all(f"{path} @ANALYSIS_MAX_UPLOAD_MB@;" in NGINX for path in wider)


def test_nginx_passes_every_event_on_at_once() -> None:
    streams = {path for _, path in routes() if path.endswith("/events")}
    assert len(streams) >= 2
    assert all("proxy_buffering off;" in Door(NGINX).block(path) for path in streams)


def test_every_setting_can_be_set_for_the_containers() -> None:
    names = {name.upper() for name in Settings.model_fields} - NOT_FOR_CONTAINERS
    assert {name for name in names if not re.search(rf"^ +{PREFIX}{name}:", COMPOSE, re.MULTILINE)} == set()


def test_every_setting_is_explained_with_its_default() -> None:
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `{PREFIX}{name.upper()}` \| (.*?) \|", OPERATIONS, re.MULTILINE)
        assert row, f"{PREFIX}{name.upper()} is missing in docs/operations.md"
        if isinstance(field.default, str | int | float) and field.default:
            assert row[1] == f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def test_the_services_know_where_nginx_lets_others_in_and_nothing_starts_there_without_a_key() -> None:
    assert 'ports: ["${CHIFFCHAFF_HOST:-127.0.0.1}:' in COMPOSE
    assert f"{PREFIX}PUBLISHED_HOST: ${{CHIFFCHAFF_HOST:-127.0.0.1}}\n" in COMPOSE
    migration = COMPOSE[COMPOSE.index("  migrate:\n") : COMPOSE.index("  relay:\n")]
    assert "shared.db.migrate && exec python -m shared.http.exposure" in migration
    for api in APIS:
        text = (ROOT / "services" / api.name / "Dockerfile").read_text(encoding="utf-8")
        assert f"ENV {PREFIX}HOST=0.0.0.0" in text, "the image listens there"
        assert '"--no-proxy-headers"' in text, "which proxies are believed is a setting"


def test_no_image_copies_more_than_one_service() -> None:
    for dockerfile in ROOT.glob("services/*/Dockerfile"):
        text = dockerfile.read_text(encoding="utf-8")
        copied = set(re.findall(r"^COPY services/(\w+)/ ", text, re.MULTILINE))
        assert copied == {dockerfile.parent.name}
        assert "USER 10001" in text
        assert f'pip install ".[{dockerfile.parent.name}]"' in text


def test_no_secret_stands_in_a_file() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+_PASSWORD)=(.*)$", example, re.MULTILINE) == [
        ("POSTGRES_PASSWORD", ""),
        ("REDIS_PASSWORD", ""),
    ]
    for compose in ROOT.glob("docker-compose*.yml"):
        uses = re.findall(r"\$\{\w+_PASSWORD(.)", compose.read_text(encoding="utf-8"))
        assert set(uses) <= {":"}, f"{compose.name} would start with an empty password"
