"""Writes `.env` from `.env.example`, with fresh random secrets. It never touches an `.env` that is there.

Usage: python3 tools/make_env.py [FILE]
"""

import os
import re
import secrets
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SECRET = re.compile(r"^([A-Z_]+_PASSWORD)=$", re.MULTILINE)


def filled(example: str) -> str:
    """The example with every empty password made up. Hexadecimal, because passwords stand in URLs."""
    return SECRET.sub(lambda match: f"{match[1]}={secrets.token_hex(24)}", example)


def main(target: Path) -> str:
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return f"{target} is there already and stays as it is"
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled((REPOSITORY / ".env.example").read_text(encoding="utf-8")))
    return f"wrote {target} with new passwords; only you can read it"


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / ".env") + "\n")
