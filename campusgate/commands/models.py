"""`campusgate models install | list | verify`."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, print_json

if TYPE_CHECKING:
    from models.store import InstallProgress, ModelStatus, ModelStore

commands = typer.Typer(name="models", help="Install and check the face models.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Names of models; without any, the default ones.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group `models`."""
    app.add_typer(commands)


@commands.command()
def install(
    names: Names = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    sha256: Annotated[
        str | None,
        typer.Option(help="Digest of the source file, for a model whose digest the catalogue does not know."),
    ] = None,
) -> None:
    """Fetch, check and convert models; those already installed are left alone."""
    names = names or []
    if sha256 is not None and len(names) != 1:
        raise CommandError("--sha256 goes with the name of one model")
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise CommandError(f"--sha256 {sha256!r} is no SHA-256: it has 64 hexadecimal digits")
    digests = {names[0]: sha256} if sha256 is not None else {}
    with _progress(quiet) as progress:
        paths = _store().install(names, sha256=digests, progress=progress)
    if not quiet:
        sys.stdout.write(f"installed in {paths[0].parent}: {', '.join(sorted(path.name for path in paths))}\n")


@commands.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Show the catalogue and what of it is installed."""
    statuses = _store().list()
    if as_json:
        print_json([_as_dict(status) for status in statuses])
        return
    rows = []
    for status in statuses:
        entry = status.entry
        licence = f"{entry.licence or 'no licence note'}\n{entry.training_data}"
        rows.append([entry.name, entry.role, status.state, "yes" if entry.default else "", licence])
    _print_table(["name", "role", "state", "default", "licence and training data"], rows)


@commands.command()
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Check the digests of the installed models; exit code 1 if one is corrupted or a default one is missing."""
    from models.store import State

    statuses = _store().verify(names or [])
    bad = [status for status in statuses if status.state is not State.INSTALLED]
    if as_json:
        print_json([_as_dict(status) for status in statuses])
    else:
        _print_table(["name", "state"], [[status.entry.name, status.state] for status in statuses])
    for status in bad:
        name = status.entry.name
        sys.stderr.write(f"campusgate: the model {name} is {status.state}; run: campusgate models install {name}\n")
    if bad:
        raise typer.Exit(1)


def _store() -> "ModelStore":
    from campusgate.settings import Settings
    from models.store import ModelStore

    settings = Settings()
    return ModelStore(settings.cache_dir, settings.model_mirror)


def _as_dict(status: "ModelStatus") -> dict[str, Any]:
    from models.store import State

    entry = status.entry
    return {
        "name": entry.name,
        "role": entry.role,
        "version": entry.version,
        "licence": entry.licence,
        "training_data": entry.training_data,
        "sha256": entry.sha256,
        "source": status.source or entry.sources[0],
        "installed": status.state is State.INSTALLED,
        "state": status.state,
        "default": entry.default,
    }


@contextmanager
def _progress(quiet: bool) -> "Iterator[InstallProgress]":
    """Show a bar for each model on standard error."""
    from rich.console import Console
    from rich.filesize import decimal
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[model]:<22}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, stage: str, done: int = 0, total: int | None = None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(stage, total=None, model=name)
            if stage == "installed":
                done = total = 1
            elif done:
                stage = f"{stage} {decimal(done)}"
            bars.update(tasks[name], description=stage, completed=done, total=total)

        yield show


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for index, title in enumerate(header):
        last = index == len(header) - 1
        table.add_column(title, no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
