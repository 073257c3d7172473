"""`chiffchaff`: the command line. `serve` runs the embedded stack, to which most commands talk.

`analyze` and `inspect` need none.
"""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import chiffchaff_client
from chiffchaff_client import KEY_VARIABLE, NoAnswer
from services.standalone.cli import (
    analyze,
    attribution,
    classify,
    datasets,
    ingest,
    inspect,
    jobs,
    keys,
    models,
    prepare,
    recipes,
    recordings,
    species,
    storage,
    train,
    xeno_canto,
)
from shared.errors import ChiffchaffError
from shared.settings import Settings

NOT_RUNNING = "Start Chiffchaff with `make run`, or give --server."

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def common(
    key: Annotated[
        str | None, typer.Option(help="The API key to send; CHIFFCHAFF_API_KEY keeps it out of the list of processes")
    ] = None,
) -> None:
    if key is not None:
        os.environ[KEY_VARIABLE] = key


@app.command()
def serve() -> None:
    """Run everything on this machine until Ctrl-C. Settings are CHIFFCHAFF_* variables."""
    from services.standalone.supervisor import serve as run

    run(Settings())


app.command()(ingest.ingest)
app.command()(prepare.prepare)
app.command()(xeno_canto.xeno_canto)
app.command()(train.train)
app.command()(recipes.recipes)
app.command()(classify.classify)
app.command()(analyze.analyze)
app.command()(inspect.inspect)
app.command()(species.species)
app.command()(attribution.attribution)
app.add_typer(recordings.app, name="recordings")
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(jobs.app, name="jobs")
app.add_typer(storage.app, name="storage")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Runs the command line; an error is one sentence and exit status 1."""
    try:
        app()
    except (ChiffchaffError, chiffchaff_client.ChiffchaffError) as error:
        said = f"{error.detail} {NOT_RUNNING}" if isinstance(error, NoAnswer) else str(error)
        Console(stderr=True).print(f"[red]{escape(error.title)}.[/] {escape(said)}", highlight=False)
        sys.exit(1)
