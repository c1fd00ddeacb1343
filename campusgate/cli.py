"""The command line. Each command group is a file in `campusgate.commands`; this one joins them and owns the exit codes.

Exit codes: 0 the command did its job; 1 it ran, and what it checked did not hold; 2 bad input or a missing part,
with one line on standard error that says what is wrong and how to mend it.
"""

import importlib
import logging
import pkgutil
import sys
from pathlib import Path
from typing import Annotated

import click
import typer

import campusgate.commands
from campusgate.commands import databases_used
from errors import OperatorError


def _print_databases(*_results: object, **_parameters: object) -> None:
    """Name the databases that a command worked on, on standard error; what went wrong is one line by itself."""
    for name in dict.fromkeys(databases_used):
        sys.stderr.write(f"database: {name}\n")
    databases_used.clear()


app = typer.Typer(
    name="campusgate",
    result_callback=_print_databases,
    help="Access control and face recognition at the edge for a university campus.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"campusgate {metadata.version('campusgate')}")
        raise typer.Exit


@app.callback()
def _root(
    env_file: Annotated[
        Path | None,
        typer.Option(help="File with settings, NAME=value in each line: the one that the process's unit reads."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    del version
    if env_file is not None:
        from campusgate.settings.env_file import read_env_file

        read_env_file(env_file)


for _module in sorted(pkgutil.iter_modules(campusgate.commands.__path__), key=lambda found: found.name):
    importlib.import_module(f"campusgate.commands.{_module.name}").register(app)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    if not {"--help", "--version"} & set(sys.argv):
        # Results go to standard output; of the log only what needs attention is shown. Services say more.
        from campusgate.processes.logs import configure_logs

        configure_logs(logging.WARNING)
    try:
        app(prog_name="campusgate")
    except OperatorError as error:
        sys.stderr.write(f"campusgate: {error}\n")
        sys.exit(2)
    except ValueError as error:
        # pydantic's is one, and needs as long to be imported as everything else that `--help` shows.
        from pydantic import ValidationError

        if not isinstance(error, ValidationError):
            raise
        from campusgate.settings.errors import describe

        sys.stderr.write(f"campusgate: {describe(error)}\n")
        sys.exit(2)
    except click.exceptions.Abort:
        sys.exit(130)
    finally:
        databases_used.clear()
