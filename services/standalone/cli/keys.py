"""`chiffchaff keys`: who may call the API."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from chiffchaff_client import Chiffchaff
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, id_column
from shared.errors import InvalidInput
from shared.keys import SCOPES

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
SPAN = re.compile(r"(\d{1,5})([hdw])")

app = typer.Typer(
    no_args_is_help=True, help="Who may call the API. Once there is a key, this needs one with the scope admin."
)


@app.command("create")
def create_key(
    name: str,
    scope: Annotated[list[str], typer.Option(help=f"{', '.join(SCOPES)}; may be repeated")],
    expires: Annotated[str | None, typer.Option(help="After a time such as 12h, 90d or 8w; never if left out")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Make a key and show it, this once."""
    expires_at = None if expires is None else datetime.now(UTC) + _span(expires)
    with Chiffchaff(server) as chiffchaff:
        made = chiffchaff.keys.create(name, scope, expires_at=expires_at)
    # Alone on its line, to be copied or piped.
    console.print(made.key, highlight=False, markup=False, soft_wrap=True)
    typer.echo("Keep it now: it is not shown again.", err=True)


@app.command("list")
def list_keys(
    every: Annotated[bool, typer.Option("--all", help="Revoked ones too")] = False, server: Server = DEFAULT_SERVER
) -> None:
    """The keys, newest first."""
    table = Table(id_column(), "name", "begins with", "scopes", "expires", "last used")
    with Chiffchaff(server) as chiffchaff:
        for key in chiffchaff.keys.list():
            if key.revoked_at is None or every:
                expires = "revoked" if key.revoked_at else _minute(key.expires_at)
                scopes = ", ".join(key.scopes)
                table.add_row(key.id, escape(key.name), key.prefix, scopes, expires, _minute(key.last_used_at))
    console.print(table)


@app.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="The key's name or id")], server: Server = DEFAULT_SERVER
) -> None:
    """Revoke a key: within seconds it is of no use any more."""
    with Chiffchaff(server) as chiffchaff:
        working = (key for key in chiffchaff.keys.list() if key.revoked_at is None)
        found = next((key for key in working if name in (key.id, key.name)), None)
        if found is None:
            raise InvalidInput(f"No key that works is called {name}.", hint="`chiffchaff keys list` shows them.")
        chiffchaff.keys.revoke(found.id)
    console.print(f"{escape(found.name)} is revoked.", highlight=False)


def _span(text: str) -> timedelta:
    given = SPAN.fullmatch(text)
    if given is None:
        raise InvalidInput(f"{text} is no time that is understood.", hint="Such as 12h, 90d or 8w.")
    return timedelta(**{UNITS[given[2]]: int(given[1])})


def _minute(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
