"""The filters of `GET /recordings` as options, the same for every command that takes them."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

Words = list[str] | None
FILTERS: dict[str, Any] = {
    "species": Annotated[Words, typer.Option(help="Scientific or common name, in any language; may be repeated")],
    "quality": Annotated[Words, typer.Option(help="A to E, or unrated; may be repeated")],
    "licence": Annotated[Words, typer.Option(help="CC BY 4.0, or CC BY for all its versions; may be repeated")],
    "no_derivatives": Annotated[str | None, typer.Option(help="exclude: without NoDerivatives licences")],
    "country": Annotated[Words, typer.Option(help="May be repeated")],
    "recordist": Annotated[Words, typer.Option(help="The whole name; may be repeated")],
    "source": Annotated[str | None, typer.Option(help="folder, manifest, upload or xeno-canto")],
    "xc_id": Annotated[Words, typer.Option("--xc-id", help="Number on Xeno-canto; may be repeated")],
    "sha256": Annotated[str | None, typer.Option(help="Of the original file")],
    "box": Annotated[str | None, typer.Option(help="south,west,north,east in degrees")],
    "recorded_from": Annotated[str | None, typer.Option(help="YYYY-MM-DD, or later")],
    "recorded_to": Annotated[str | None, typer.Option(help="YYYY-MM-DD, or earlier")],
    "month": Annotated[list[int] | None, typer.Option(min=1, max=12, help="Of any year; may be repeated")],
    "prepared": Annotated[bool | None, typer.Option("--prepared/--unprepared", help="Only those that are (not)")],
    "min_signal_seconds": Annotated[float | None, typer.Option(min=0, help="A bird is heard for so long")],
    "ingestion_id": Annotated[str | None, typer.Option("--ingestion", help="Id of the one that brought them in")],
    "text": Annotated[str | None, typer.Option(help="Stands in the file's name, the locality or the remarks")],
    "deleted": Annotated[str | None, typer.Option(help="only, include or exclude")],
}

Filters = dict[str, Any]


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the filters to a command's options; the command gets those that were given, as its first argument."""
    own = list(inspect.signature(command).parameters.values())[1:]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in FILTERS.items()
    ]
    ordered = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own[:-1]), *options]
    server = own[-1].replace(kind=inspect.Parameter.KEYWORD_ONLY)

    @wraps(command)
    def run(**given: Any) -> None:
        filters = {name: value for name in FILTERS if (value := given.pop(name)) not in (None, [])}
        command(filters, **given)

    signature = inspect.Signature([*ordered, server])
    run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    run.__signature__ = signature  # type: ignore[attr-defined]
    return run
