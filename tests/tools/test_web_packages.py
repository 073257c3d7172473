import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.web_packages import PUBLIC_REGISTRY, install, registry

NAME = "wren"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A registry and the folder it serves."""
    folder = tmp_path / "mirror"
    (folder / NAME / "-").mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    server.server_close()
    thread.join()


def publish(folder: Path, version: str, files: dict[str, str]) -> str:
    """Puts a package into the registry; its integrity."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    (folder / NAME / "-" / f"{NAME}-{version}.tgz").write_bytes(content.getvalue())
    return "sha512-" + base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()


def lock(folder: Path, version: str, integrity: str, files: list[str], host: str = PUBLIC_REGISTRY) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"chiffchaff": {"files": {NAME: files}}}))
    entry = {"version": version, "resolved": f"{host}{NAME}/-/{NAME}-{version}.tgz", "integrity": integrity}
    (folder / "package-lock.json").write_text(json.dumps({"packages": {"": {}, f"node_modules/{NAME}": entry}}))
    return folder


def test_only_the_files_that_are_wanted_are_unpacked(mirror: tuple[str, Path], tmp_path: Path) -> None:
    address, served = mirror
    integrity = publish(served, "1.0.0", {"dist/wren.js": "sing()", "README.md": "much", "LICENSE": "MIT"})
    web = lock(tmp_path / "web", "1.0.0", integrity, ["dist/wren.js", "LICENSE"])
    assert install(web, address) == [NAME]
    unpacked = web / "node_modules" / NAME
    assert {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()} == {
        "dist/wren.js",
        "LICENSE",
        ".integrity",
    }
    assert [path.name for path in (web / "node_modules").iterdir()] == [NAME]


def test_once_there_nothing_is_fetched_until_the_lock_file_changes(mirror: tuple[str, Path], tmp_path: Path) -> None:
    address, served = mirror
    web = lock(tmp_path / "web", "1.0.0", publish(served, "1.0.0", {"wren.js": "old"}), ["wren.js"])
    install(web, address)
    assert install(web, "http://127.0.0.1:9/") == []
    lock(web, "1.1.0", publish(served, "1.1.0", {"wren.js": "new"}), ["wren.js"])
    assert install(web, address) == [NAME]
    assert (web / "node_modules" / NAME / "wren.js").read_text() == "new"


def test_what_the_lock_file_does_not_promise_is_not_unpacked(mirror: tuple[str, Path], tmp_path: Path) -> None:
    address, served = mirror
    web = lock(tmp_path / "web", "1.0.0", publish(served, "1.0.0", {"wren.js": "good"}), ["wren.js"])
    install(web, address)
    promised = publish(served, "1.1.0", {"wren.js": "better"})
    publish(served, "1.1.0", {"wren.js": "evil"})
    lock(web, "1.1.0", promised, ["wren.js"])
    with pytest.raises(SystemExit, match="not what the lock file promises"):
        install(web, address)
    assert (web / "node_modules" / NAME / "wren.js").read_text() == "good"


def test_what_cannot_be_done_is_said_with_what_would_help(mirror: tuple[str, Path], tmp_path: Path) -> None:
    address, served = mirror
    integrity = publish(served, "1.0.0", {"wren.js": "sing()"})
    with pytest.raises(SystemExit, match="npm_config_registry"):
        install(lock(tmp_path / "web", "1.0.0", integrity, ["wren.js"]), "http://127.0.0.1:9/")
    with pytest.raises(SystemExit, match=r"no file robin\.js"):
        install(lock(tmp_path / "web", "1.0.0", integrity, ["robin.js"]), address)
    with pytest.raises(SystemExit, match="names a mirror"):
        install(lock(tmp_path / "web", "1.0.0", integrity, ["wren.js"], host=address), address)


def test_the_registry_is_the_one_that_npm_would_ask(tmp_path: Path) -> None:
    npmrc = tmp_path / ".npmrc"
    assert registry({}, npmrc) == PUBLIC_REGISTRY
    npmrc.write_text("fund=false\nregistry = https://mirror.example/npm\n")
    assert registry({}, npmrc) == "https://mirror.example/npm/"
    assert registry({"npm_config_registry": "https://other.example/"}, npmrc) == "https://other.example/"
    assert registry({"NPM_CONFIG_REGISTRY": "https://other.example"}, npmrc) == "https://other.example/"
