"""`chiffchaff train`: a model from what the library holds."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from chiffchaff_client import Chiffchaff, Training
from chiffchaff_client.datasets import Selection
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, job_step, watch
from shared.errors import ChiffchaffError, InvalidInput


def train(
    name: Annotated[str, typer.Argument(help="The model's name")],
    species: Annotated[list[str] | None, typer.Option(help="Scientific name; may be repeated; all if left out")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Id of a frozen dataset, instead of what the library holds")
    ] = None,
    background: Annotated[
        list[str] | None, typer.Option(help="Label of recordings that are mere noise, such as rain; may be repeated")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="One of those that `chiffchaff recipes` lists")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="TOML file of settings, as `chiffchaff recipes NAME` prints one"
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    folds: Annotated[int | None, typer.Option(help="Folds to cross-validate; 0 holds out a fifth once")] = None,
    unknown: Annotated[
        list[str] | None,
        typer.Option(help="Id of a frozen dataset of sounds that are none of the species, to test refusing them"),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="Stop when so many epochs were no better on recordings kept aside")
    ] = None,
    start_from: Annotated[
        str | None, typer.Option(help="Begin with the weights of this model: NAME, or NAME:VERSION")
    ] = None,
    exclude_no_derivatives: Annotated[
        bool, typer.Option("--exclude-no-derivatives", help="Leave NoDerivatives recordings out, to share the model")
    ] = False,
    activate: Annotated[bool, typer.Option(help="Let the model answer when it is done")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it is trained")] = True,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Train a model on what the library holds, or on a frozen dataset."""
    if dataset and (species or background or exclude_no_derivatives):
        raise typer.BadParameter("a frozen dataset is trained on as it is: leave out --species and the like")
    given = {
        "recipe": recipe,
        "epochs": epochs,
        "folds": folds,
        "patience": patience,
        "start_from": _start(start_from),
        "unknown_dataset_ids": unknown or None,
    }
    selection: Selection = {
        "background": background or [],
        "no_derivatives": "exclude" if exclude_no_derivatives else "include",
    }
    if species:
        selection["species"] = species
    with Chiffchaff(server) as chiffchaff:
        training = chiffchaff.trainings.start(
            name,
            dataset_id=dataset,
            dataset=selection,
            config=_settings(config) | {key: value for key, value in given.items() if value is not None},
        )
        summary = chiffchaff.datasets.get(training.dataset_id).summary
        console.print(
            f"Training {training.id} accepted: {len(summary.classes)} species, {summary.recordings} recordings, "
            f"{summary.slices} slices."
        )
        for warning in summary.warnings:
            console.print(f"  [yellow]{escape(warning)}[/]", highlight=False)
        if wait:
            _watch(chiffchaff, training.id, activate=activate)


def _watch(chiffchaff: Chiffchaff, training_id: str, *, activate: bool) -> None:
    """Shows how far a training is until it has ended. Raises ChiffchaffError where there is no model then."""
    done = watch(lambda show: chiffchaff.trainings.wait(training_id, show), training_step)
    if done.model is None:
        if done.best_weights:
            console.print(f"Its best weights so far are kept: GET {done.best_weights}.", soft_wrap=True)
        raise ChiffchaffError(f"The training ended as {done.state}.", hint=done.reason)
    console.print(f"Model {done.model.name} version {done.model.version} is there.")
    if activate:
        chiffchaff.models.activate(done.model.name, done.model.version)
        console.print("It answers now.")


def training_step(training: Training) -> tuple[float | None, str]:
    """How far a training is, and how well it went in its last epoch."""
    fraction, message = job_step(training.job)
    if not training.epochs or message != (last := training.epochs[-1]).message:
        return fraction, message
    figures = [("loss", last.train_loss, ".2f"), ("right", last.val_top1, ".0%")]
    told = [f"{name} {value:{form}}" for name, value, form in figures if value is not None]
    return fraction, ", ".join([message, *told])


def _start(named: str | None) -> dict[str, Any] | None:
    if named is None:
        return None
    name, _, version = named.partition(":")
    if version and not version.isdecimal():
        raise typer.BadParameter(f"{version!r} is no version: write NAME:3", param_hint="--start-from")
    return {"model": name, **({"version": int(version)} if version else {})}


def _settings(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file} is no TOML file: {error}.", hint="`chiffchaff recipes field` prints one to begin with."
        ) from error
