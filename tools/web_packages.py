"""Unpacks the npm packages that a lock file names, on machines without Node.js, too.

Usage: python tools/web_packages.py FOLDER [FOLDER ...]

Each folder holds a `package.json` and the `package-lock.json` that npm made from it. Of each package only the files
that `package.json` lists under `chiffchaff.files` land in `node_modules` there. What is there is not fetched again.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PUBLIC_REGISTRY = "https://registry.npmjs.org/"
"""What lock files name, whatever mirror a machine has."""
SECONDS = 60
ALGORITHMS = ("sha512", "sha384", "sha256")
STAMP = ".integrity"


@dataclass(frozen=True)
class Package:
    """One package of a lock file, and which of its files are wanted."""

    name: str
    path: str
    resolved: str
    integrity: str
    files: tuple[str, ...]


def registry(environment: Mapping[str, str], npmrc: Path) -> str:
    """Where npm itself would fetch: the environment's registry, the one in `~/.npmrc`, or the public one."""
    for name, value in environment.items():
        if name.lower() == "npm_config_registry" and value:
            return f"{value.rstrip('/')}/"
    if npmrc.is_file():
        for line in npmrc.read_text(encoding="utf-8").splitlines():
            key, separator, value = line.partition("=")
            if separator and key.strip() == "registry":
                return value.strip().strip('"').rstrip("/") + "/"
    return PUBLIC_REGISTRY


def packages(folder: Path) -> Iterator[Package]:
    """What the lock file names and `package.json` wants files of."""
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["chiffchaff"]["files"]
    locked = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, files in wanted.items():
        path = f"node_modules/{name}"
        if path not in locked:
            raise SystemExit(f"{folder}/package-lock.json has no {name}: run `npm install --package-lock-only` there")
        entry = locked[path]
        if not entry["resolved"].startswith(PUBLIC_REGISTRY):
            raise SystemExit(f"{folder}/package-lock.json names a mirror for {name}: {entry['resolved']}")
        yield Package(name, path, entry["resolved"], entry["integrity"], tuple(files))


def verified(content: bytes, integrity: str) -> bool:
    """By the strongest of the digests that a Subresource Integrity text gives."""
    digests = dict(one.split("-", 1) for one in integrity.split())
    algorithm = next((one for one in ALGORITHMS if one in digests), None)
    if algorithm is None:
        return False
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode() == digests[algorithm].split("?")[0]


def fetched(package: Package, source: str) -> bytes:
    address = source + package.resolved.removeprefix(PUBLIC_REGISTRY)
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 (the registry of npm's own settings)
            content: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise SystemExit(
            f"{package.name} cannot be fetched from {address}: {error}\n"
            "Is this machine online? Another registry is named by npm_config_registry or in ~/.npmrc."
        ) from error
    if not verified(content, package.integrity):
        raise SystemExit(f"{address} is not what the lock file promises ({package.integrity}); nothing was unpacked")
    return content


def unpack(package: Package, content: bytes, target: Path) -> None:
    """All of the files at a stroke: who looks meanwhile sees the old ones, none, or the new ones."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as place:
        fresh = Path(place) / "package"
        fresh.mkdir()
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            # The first folder of an npm archive may have any name.
            members = {PurePosixPath(*PurePosixPath(one.name).parts[1:]): one for one in archive if one.isfile()}
            for name in package.files:
                member = members.get(PurePosixPath(name))
                stream = archive.extractfile(member) if member else None
                if stream is None:
                    raise SystemExit(f"{package.name} has no file {name}: see chiffchaff.files in package.json")
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(stream.read())
        (fresh / STAMP).write_text(stamp(package), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        fresh.replace(target)


def stamp(package: Package) -> str:
    """What an unpacked folder is recognised by."""
    return "\n".join([package.integrity, *package.files, ""])


def install(folder: Path, source: str) -> list[str]:
    """Brings the folder's packages to what its lock file says; what it had to fetch."""
    fresh = []
    for package in packages(folder):
        target = folder / package.path
        there = target / STAMP
        if there.is_file() and there.read_text(encoding="utf-8") == stamp(package):
            continue
        unpack(package, fetched(package, source), target)
        fresh.append(package.name)
    return fresh


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if news := install(Path(argument), registry(os.environ, Path.home() / ".npmrc")):
            sys.stdout.write(f"{argument}: fetched {', '.join(news)}\n")
